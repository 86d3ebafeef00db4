"""A record of logging as OpenTelemetry has it: what it is about as attributes, and the trace that it belongs
to. Knows OpenTelemetry's API."""

import logging
from collections.abc import Callable

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.trace import TraceFlags

from shared.log_context import ABOUT
from shared.telemetry import trace_ids, tracing

#: Of a record's `extra`, what is searched by.
SENT = (*ABOUT, "uuid", "action", "act", "by", "outcome", "resource")
#: Whose records are not sent: what sending has to say would be sent, and so on.
_OWN = ("azure", "opentelemetry", "urllib3")


def is_sent(record: logging.LogRecord) -> bool:
    """Whether a record is somebody else's than the sender's own."""
    return record.name.partition(".")[0] not in _OWN


def log_record(record: logging.LogRecord, body: str, redacted: Callable[[str], str] = str) -> LogRecord:
    """`record` with the text `body`."""
    attributes = {name: str(getattr(record, name)) for name in SENT if getattr(record, name, "")}
    trace, span = _place(str(getattr(record, "uuid", "")))
    return LogRecord(
        timestamp=int(record.created * 1e9),
        trace_id=trace,
        span_id=span,
        trace_flags=TraceFlags(TraceFlags.SAMPLED) if trace else None,
        severity_text=record.levelname,
        severity_number=SeverityNumber(_severity(record.levelno)),
        body=redacted(body),
        attributes={name: redacted(value) for name, value in attributes.items()},
    )


def _place(uuid: str) -> tuple[int | None, int | None]:
    """Trace and span: of what this thread does, else of the run that the record names."""
    if found := tracing.position():
        return found
    try:
        return trace_ids.trace_id(uuid), trace_ids.job_span(uuid)
    except ValueError:
        return None, None


def _severity(level: int) -> int:
    """OpenTelemetry's number of a level of logging: DEBUG 5, INFO 9, WARNING 13, ERROR 17, CRITICAL 21."""
    return min(21, max(5, level // 10 * 4 + 1))
