"""What a command says beside its output, on standard error, and how much of it: as `az` logs.

Nothing here may hold a secret: `without_secrets` and `shown_url` take them out of what is sent and received.
"""

import json
import logging
import re
from collections.abc import Iterable
from typing import Any

import click
import httpx

from cli.faults import USAGE, Fault

_log = logging.getLogger("batchai")
HIDDEN = "***"
#: Members whose text opens something, wherever they stand. Keys that are public are not secret.
_SECRET = re.compile(r"(?i)(?<!public)(key|password|secret|token|credentials?)$")
#: A list of named values, all of them secret.
_SECRETS = "secrets"
#: Query parameters that say nothing about who may do what.
_HARMLESS = re.compile(
    r"(?i)api-version|maxresults|state|prefix|created(after|before)|outputdirectoryid|directory|"
    r"linkexpiryinminutes|t"
)


class _ToStandardError(logging.Handler):
    """Lines as `az` writes them without colours; what is always said has no word before it."""

    def emit(self, record: logging.LogRecord) -> None:
        prefix = f"{record.levelname}: " if record.levelno < logging.WARNING else ""
        click.echo(prefix + record.getMessage(), err=True)


_log.addHandler(_ToStandardError())
_log.propagate = False


def set_loudness(verbose: bool, debug: bool, only_show_errors: bool) -> None:
    """How much is said from now on. Raises Fault where the options contradict each other."""
    if only_show_errors and (verbose or debug):
        raise Fault("--only-show-errors cannot be used together with --debug or --verbose", exit_code=USAGE)
    loud = logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING
    _log.setLevel(logging.ERROR if only_show_errors else loud)


def say(line: str) -> None:
    """A line for the person at the terminal; left out with --only-show-errors."""
    _log.warning("%s", line)


def say_verbose(line: str) -> None:
    """A line with --verbose and --debug."""
    _log.info("%s", line)


def say_debug(line: str) -> None:
    """A line with --debug."""
    _log.debug("%s", line)


def warns() -> bool:
    """Whether warnings are wanted."""
    return _log.isEnabledFor(logging.WARNING)


def say_request(method: str, url: httpx.URL, signed_with: Iterable[str], body: Any) -> None:
    """A request with --debug: where it is sent, which headers say who one is, and its body."""
    if not _log.isEnabledFor(logging.DEBUG):
        return
    say_debug(f"request: {method} {shown_url(url)}")
    say_debug(f"signed with: {', '.join(signed_with) or 'nothing'}")
    if body is not None:
        say_debug(f"request body: {json.dumps(without_secrets(body))}")


def say_answer(answer: httpx.Response, seconds: float) -> None:
    """An answer with --debug, its body where it is JSON."""
    if not _log.isEnabledFor(logging.DEBUG):
        return
    identity = answer.headers.get("x-ms-request-id", "none")
    say_debug(f"answer: {answer.status_code} in {seconds:.3f} s, x-ms-request-id {identity}")
    say_debug(f"answer body: {_body(answer)}")


def _body(answer: httpx.Response) -> str:
    try:
        return json.dumps(without_secrets(answer.json()))
    except ValueError:
        return f"{len(answer.content)} bytes that are no JSON"


def shown_url(url: httpx.URL) -> str:
    """An address without what its query says of keys and signatures."""
    pairs = [
        (name, value if _HARMLESS.fullmatch(name) else HIDDEN) for name, value in url.params.multi_items()
    ]
    message = "&".join(f"{name}={value}" for name, value in pairs)
    return str(url.copy_with(query=None, userinfo=b"")) + (f"?{message}" if message else "")


def without_secrets(value: Any, secret: bool = False) -> Any:
    """A body with *** for every secret: by the name of its member, and the queries of addresses."""
    if isinstance(value, dict):
        return {key: without_secrets(item, _is_secret(key, item, secret)) for key, item in value.items()}
    if isinstance(value, list):
        return [without_secrets(item, secret) for item in value]
    if isinstance(value, str) and value.startswith(("http://", "https://")) and "?" in value and not secret:
        return value.partition("?")[0] + "?" + HIDDEN
    return HIDDEN if secret and value is not None else value


def _is_secret(key: str, item: Any, inside: bool) -> bool:
    if key == _SECRETS:
        return True
    if inside:
        return key != "name"
    return isinstance(item, str) and bool(_SECRET.search(key))
