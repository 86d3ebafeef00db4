"""Ids of a job's trace, from what every process knows of the job. PURE.

The trace of a run is its uuid. The spans that several processes speak of have ids that each can derive: so a
runner that takes a job over names the attempt of the lost one, and no row needs a column for it.
"""

import hashlib
import re
from dataclasses import dataclass

#: The header of W3C Trace Context, version 00.
_TRACEPARENT = re.compile(r"00-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})")
_SAMPLED = 1


def trace_id(uuid: str) -> int:
    """The trace of a run. Raises ValueError where `uuid` is none."""
    found = int(uuid.replace("-", ""), 16)
    if not 0 < found < 1 << 128:
        raise ValueError(f"'{uuid}' is not a uuid")
    return found


def job_span(uuid: str) -> int:
    """The span of the whole run: the root."""
    return span_id(uuid, "job")


def attempt_span(uuid: str, attempt: int) -> int:
    """The span of one attempt."""
    return span_id(uuid, f"attempt {attempt}")


def node_span(uuid: str, attempt: int, node: str) -> int:
    """The span of one node's part in an attempt."""
    return span_id(uuid, f"attempt {attempt} node {node}")


def span_id(uuid: str, what: str) -> int:
    """A span of a run that is named by `what`."""
    digest = hashlib.sha256(f"{uuid} {what}".encode()).digest()
    return int.from_bytes(digest[:8], "big") or 1


@dataclass(frozen=True)
class TraceParent:
    """A trace context: which span of which trace something belongs to, and whether the trace is recorded."""

    trace: int
    span: int
    sampled: bool

    def __str__(self) -> str:
        return f"00-{self.trace:032x}-{self.span:016x}-{int(self.sampled):02x}"


def traceparent_from(text: str) -> TraceParent | None:
    """What a `traceparent` says; None for what is none, as the specification wants it."""
    found = _TRACEPARENT.fullmatch(text)
    if found is None:
        return None
    trace, span = int(found["trace"], 16), int(found["span"], 16)
    return TraceParent(trace, span, bool(int(found["flags"], 16) & _SAMPLED)) if trace and span else None
