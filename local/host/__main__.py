"""`python -m local.host --app DIR --port P`: run a function app without Core Tools.

Exit codes: 0 stopped by SIGINT or SIGTERM, 1 the app cannot be served (the reason is on stderr), 2 usage.
"""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from local.host import console, server, settings
from local.host.connections import Connections
from local.host.errors import HostError, Stopped
from local.host.host import Host, host_id
from local.host.http_functions import HttpFunctions
from local.host.loader import load_functions
from local.host.model import Function, Timing
from local.host.web import application
from local.host.worker import Worker

#: What the real host sets where PYTHON_THREADPOOL_THREAD_COUNT is empty.
_THREADS = 1000


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser("python -m local.host", description=console.BANNER)
    options.add_argument(
        "--app", type=_directory, required=True, help="directory of function_app.py and host.json"
    )
    options.add_argument(
        "--port", type=_port, required=True, help="port to serve HTTP on; 0 takes a free one"
    )
    options.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    options.add_argument(
        "--allow-host",
        action="append",
        default=os.environ.get("BATCHAI_ALLOWED_HOSTS", "").split(),
        metavar="NAME",
        help="a name that requests may call this machine by, beside localhost; may be repeated",
    )
    options.add_argument(
        "--settings", type=Path, help="settings file (local.settings.json in the app's directory)"
    )
    options.add_argument(
        "--poll-seconds",
        type=_seconds(0.05),
        default=1.0,
        help="between two listings of a container (%(default)s)",
    )
    options.add_argument(
        "--blob-changes",
        type=Path,
        metavar="FILE",
        help="where Azurite says which blobs are written (BLOB_CHANGES_FILE); without it all blobs are "
        "listed at every poll",
    )
    options.add_argument(
        "--lock-seconds",
        type=_seconds(2),
        default=30.0,
        help="how long a message stays hidden after a host that died (%(default)s; the real host: 600)",
    )
    return options


def _directory(text: str) -> Path:
    path = Path(text).resolve()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a directory")
    return path


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port (0 to 65535)")
    return int(text)


def _seconds(least: float) -> Callable[[str], float]:
    def seconds(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not least <= value <= 3600:
            raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from {least} to 3600")
        return value

    return seconds


def main(arguments: list[str] | None = None) -> int:
    """Run the host. Returns the exit code."""
    options = parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stopped)
    console.set_up_logging()
    print(console.BANNER)
    try:
        _run(options)
    except HostError as error:
        _explain(error)
        return 1
    except Stopped:
        print("Stopped before it was ready")
    return 0


def _stopped(*_: object) -> None:
    raise Stopped


def _run(options: argparse.Namespace) -> None:
    directory: Path = options.app
    _apply_settings(options.settings, directory)
    host_settings = settings.load_host_settings(directory)
    os.chdir(directory)  # functions read files relative to their app, as under the real host
    functions = _enabled(load_functions(directory, os.environ))
    worker = Worker(_threads())
    http = HttpFunctions(functions, host_settings.route_prefix, worker)
    timing = Timing(options.poll_seconds, options.lock_seconds, options.blob_changes)
    connections = Connections(os.environ)
    name = host_id(directory, os.environ)
    host = Host(name, functions, host_settings, connections, worker, timing)
    with server.listen(options.host, options.port) as sock:
        shown = f"[{options.host}]" if ":" in options.host else options.host
        address = f"http://{shown}:{sock.getsockname()[1]}"
        console.print_functions(functions, http, address)
        ready = f"Ready: {len(functions)} functions on {address} (host id {name})"
        names = (*options.allow_host, options.host)
        server.serve(application(host, http, names), host, sock, ready)


def _apply_settings(chosen: Path | None, directory: Path) -> None:
    if chosen is not None and not chosen.is_file():
        raise HostError(
            f"There is no settings file {chosen}.", "Name an existing file with --settings, or none."
        )
    values = settings.load_values(chosen or directory / "local.settings.json")
    for name in settings.apply_values(values, os.environ):
        print(f"Skipping '{name}' from the settings file: the environment defines it already")


def _enabled(functions: list[Function]) -> list[Function]:
    """Without those that `AzureWebJobs.<name>.Disabled` turns off."""
    kept = []
    for function in functions:
        if os.environ.get(f"AzureWebJobs.{function.name}.Disabled", "").lower() in ("true", "1"):
            print(f"Function {function.name} is disabled by a setting")
        else:
            kept.append(function)
    return kept


def _threads() -> int:
    text = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", "") or str(_THREADS)
    if not text.isdecimal() or not 1 <= int(text) <= _THREADS:
        raise HostError(
            f"PYTHON_THREADPOOL_THREAD_COUNT is '{text}'.",
            f"Set a whole number from 1 to {_THREADS}, or nothing.",
        )
    return int(text)


def _explain(error: HostError) -> None:
    sys.stdout.flush()
    if error.__cause__ is not None:
        traceback.print_exception(error.__cause__)
    print(f"\nThe functions host cannot start.\n{error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
