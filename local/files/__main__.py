"""`python -m local.files`: the Azure Files emulator on its own, until SIGINT or SIGTERM."""

import argparse
import logging
import signal
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from local.files.server import ACCOUNT, KEY, InUseError, Tls, listen, open_emulator, serve, url_of

_EXAMPLE = f"""example:
  python -m local.files --root /tmp/shares --port 10003

  then, with the Azure SDK (pip install azure-storage-file-share):
    ShareServiceClient.from_connection_string(
        "DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey=<key>;"
        "FileEndpoint=http://127.0.0.1:10003/{ACCOUNT};")

  The default account and key are the well-known ones of all Azure Storage emulators. A share is a directory
  in --root: /tmp/shares/myshare/notes.txt is the file notes.txt of the share myshare.
"""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    level = logging.INFO if options.log_requests else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        with (
            open_emulator(
                options.root, options.account, options.key, options.alias, not options.tokens_only
            ) as emulator,
            listen(options.host, options.port) as listener,
        ):
            print(
                f"Azure Files emulator: {url_of(listener, options.account)} serves {options.root}",
                flush=True,
            )
            serve(emulator, listener, _stop_on_signals, Tls(options.cert, options.cert_key))
    except (InUseError, ValueError, OSError) as error:
        print(f"python -m local.files: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.files",
        description="An emulator of the Azure Files REST API over a plain directory.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--root", type=Path, required=True, help="directory with one directory per share (created)"
    )
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--account", default=ACCOUNT, help="account name (default: %(default)s)")
    parser.add_argument(
        "--alias",
        action="append",
        default=[],
        metavar="NAME",
        help="another name of the account, with the same shares and key; may be given more than once",
    )
    parser.add_argument(
        "--key", default=KEY, help="account key in base64 (default: the emulators' well-known key)"
    )
    parser.add_argument("--cert", type=Path, help="PEM certificate: serve HTTPS, as bearer tokens need")
    parser.add_argument("--cert-key", type=Path, help="PEM key of the certificate")
    parser.add_argument(
        "--tokens-only", action="store_true", help="refuse what is signed with the account key"
    )
    parser.add_argument("--log-requests", action="store_true", help="print a line per request")
    return parser


def _stop_on_signals(server: uvicorn.Server) -> None:
    """A signal asks the server to end.

    While it runs uvicorn has handlers of its own; afterwards it raises the signal again, which arrives here,
    has nothing left to do, and the process ends with 0.
    """

    def ask(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)


if __name__ == "__main__":
    sys.exit(main())
