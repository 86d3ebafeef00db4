"""What the host prints: log lines in the form of `func start`, and the list of functions."""

import datetime as dt
import logging
import sys

from local.host.http_functions import HttpFunctions
from local.host.model import BlobTrigger, Function, HttpTrigger, QueueTrigger, TimerTrigger

BANNER = "This is a thin stand-in for the Azure Functions host, for local use; it is not Core Tools."
_LOUD = ("azure", "urllib3.connectionpool", "uvicorn")


class _Lines(logging.Formatter):
    """`[2026-01-31T12:00:00.123Z] text`, with the level from WARNING on."""

    def format(self, record: logging.LogRecord) -> str:
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        level = f"{record.levelname} " if record.levelno >= logging.WARNING else ""
        record.message = record.getMessage()
        text = f"[{moment[:-6]}Z] {level}{record.message}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


def set_up_logging() -> None:
    """Everything is written to stdout, a line at a time, also what functions log or print."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.ERROR if name.startswith("urllib3") else logging.WARNING)


def print_functions(functions: list[Function], http: HttpFunctions, address: str) -> None:
    """One line per function: its trigger and what fires it."""
    routes = {function.name: template.text for template, _, function in http.routes}
    print("\nFunctions:\n")
    for function in functions:
        print(f"    {function.name}: {_describe(function, routes, address)}")
    if routes:
        print("\nAuthorization levels are not enforced here, as with `func start`; Azure enforces them.")
    print()


def _describe(function: Function, routes: dict[str, str], address: str) -> str:
    match function.trigger:
        case HttpTrigger(methods=methods):
            return f"httpTrigger [{','.join(sorted(methods)) or 'any'}] {address}/{routes[function.name]}"
        case BlobTrigger(path=path, event_grid=True):
            hook = f"/runtime/webhooks/blobs?functionName={function.function_id}"
            return f"blobTrigger {path}, by events POSTed to {address}{hook}"
        case BlobTrigger(path=path):
            return f"blobTrigger {path}, found by listing"
        case QueueTrigger(queue=queue):
            return f"queueTrigger {queue}"
        case TimerTrigger(schedule=schedule):
            return f"timerTrigger {schedule} (UTC)"
