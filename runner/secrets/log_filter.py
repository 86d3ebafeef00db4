"""The runner's own log: lines on stderr that name the job they are about, without any secret it knows."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from runner.secrets.redaction import KnownSecrets, without_parameters
from shared.log_context import ABOUT, worded

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class RedactingFilter(logging.Filter):
    """Strikes known secrets out of a record: message, arguments, traceback and stack."""

    def __init__(self, known: KnownSecrets) -> None:
        super().__init__()
        self._known = known
        self._plain = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """True: every record is let pass, redacted."""
        try:
            text = worded(record)
        except (TypeError, ValueError):
            # logging itself would print the arguments.
            text = f"a line that cannot be formatted: {record.msg}"
        record.msg, record.args = self._redacted(text), ()
        if record.exc_info:
            record.exc_text = self._plain.formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = self._redacted(record.exc_text)
        if record.stack_info:
            record.stack_info = self._redacted(record.stack_info)
        # Where a log has columns, these are they.
        for name in (*ABOUT, "uuid", "action"):
            if value := getattr(record, name, None):
                setattr(record, name, self._redacted(str(value)))
        return True

    def _redacted(self, text: str) -> str:
        return without_parameters(self._known.text(text))


def set_up(known: KnownSecrets) -> None:
    """Log to stderr without what is known; exceptions that nobody caught go the same way."""
    logging.basicConfig(level=logging.INFO, format=_FORMAT, force=True)
    for handler in logging.getLogger().handlers:
        handler.addFilter(RedactingFilter(known))
    logging.getLogger("azure").setLevel(logging.WARNING)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
    )


@contextmanager
def sent_to(handler: logging.Handler | None, known: KnownSecrets) -> Iterator[None]:
    """Inside the block the log is written to `handler` too, without what is known; it is closed at the
    end."""
    if handler is None:
        yield
        return
    handler.addFilter(RedactingFilter(known))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    log = logging.getLogger("runner")
    log.critical("unexpected end", exc_info=(kind, error, trace), extra={"action": "uncaught"})
