"""Spans of jobs. Without a sink, as always unless the environment asks for traces, each call costs a
comparison.

A span is given away when it is over: what a process that is killed had not ended is missing, and whoever
takes the job over records the attempt that was lost (shared/managers/job_traces.py)."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from shared.telemetry import trace_ids
from shared.telemetry.names import Attribute, SpanName
from shared.telemetry.trace_ids import TraceParent

Value = str | int | float | bool


@dataclass(frozen=True)
class Span:
    """A span that is over."""

    name: SpanName
    trace: int
    id: int
    parent: int | None  #: None: the root
    start: datetime
    end: datetime
    attributes: Mapping[str, Value] = field(default_factory=dict)
    links: tuple[int, ...] = ()  #: spans of the same trace
    fault: str = ""  #: a word of a closed list; "": none


class SpanSink(Protocol):
    """Takes spans. Never raises, never waits."""

    def sampled(self, trace: int) -> bool:
        """Whether a trace is recorded."""

    def follow(self, decided: TraceParent) -> None:
        """Somebody else has decided whether a trace is recorded."""

    def take(self, span: Span) -> None:
        """A span that is over; it is dropped where its trace is not recorded."""


_sink: SpanSink | None = None


def use(sink: SpanSink | None) -> None:
    """Where spans go from now on; None: nowhere."""
    global _sink
    _sink = sink


def is_on() -> bool:
    """Whether somebody takes spans: nobody need put one together otherwise."""
    return _sink is not None


def take(span: Span) -> None:
    """Give a span away."""
    if _sink is not None:
        _sink.take(span)


def traceparent(uuid: str) -> str:
    """What a message carries of the trace of a run; "" where traces are off."""
    if _sink is None:
        return ""
    trace = trace_ids.trace_id(uuid)
    return str(TraceParent(trace, trace_ids.job_span(uuid), _sink.sampled(trace)))


def follow(text: str, uuid: str) -> None:
    """Record the trace of a run, or do not, as whoever has sent its message; what is no trace context of this
    run decides nothing."""
    if _sink is None:
        return
    decided = trace_ids.traceparent_from(text)
    if decided is not None and decided.trace == trace_ids.trace_id(uuid):
        _sink.follow(decided)


# ---- what this thread does now


@dataclass(frozen=True)
class _Position:
    """The span below which stages of this thread lie."""

    trace: int
    span: int
    about: Mapping[str, Value]  #: attributes of every span below


_position: ContextVar[_Position | None] = ContextVar("position", default=None)


def position() -> tuple[int, int] | None:
    """Trace and span of what this thread does now."""
    found = _position.get()
    return (found.trace, found.span) if found else None


@contextmanager
def node_part(uuid: str, attempt: int, node: str, about: Mapping[str, Value], leader: str) -> Iterator[None]:
    """What this thread does inside is one node's part in an attempt. Another node than `leader` is linked to
    the leader's part."""
    if _sink is None:
        yield
        return
    links = () if node == leader else (trace_ids.node_span(uuid, attempt, leader),)
    own, parent = trace_ids.node_span(uuid, attempt, node), trace_ids.attempt_span(uuid, attempt)
    more: dict[str, Value] = {Attribute.NUMBER: attempt, Attribute.NODE: node}
    with _lasting(SpanName.NODE, trace_ids.trace_id(uuid), own, parent, {**about, **more}, links):
        yield


@contextmanager
def stage(name: SpanName, **about: Value) -> Iterator[dict[str, Value]]:
    """A stage of what this thread does; what lies in the dict at its end becomes attributes. `about`: members
    of Attribute by their names in lower case. Outside a job's attempt nothing is recorded."""
    outer = _position.get() if _sink is not None else None
    if outer is None:
        yield {}
        return
    given: dict[str, Value] = {Attribute[key.upper()]: value for key, value in about.items()}
    with _lasting(
        name, outer.trace, secrets.randbits(64) or 1, outer.span, {**outer.about, **given}
    ) as attributes:
        yield attributes


@contextmanager
def _lasting(
    name: SpanName, trace: int, own: int, parent: int, about: Mapping[str, Value], links: tuple[int, ...] = ()
) -> Iterator[dict[str, Value]]:
    start, fault = _now(), ""
    attributes = dict(about)
    before = _position.set(_Position(trace, own, dict(about)))
    try:
        yield attributes
    except BaseException as error:
        # The type alone: a message may quote what the user wrote.
        fault = type(error).__name__
        raise
    finally:
        _position.reset(before)
        take(Span(name, trace, own, parent, start, _now(), attributes, links, fault))


def _now() -> datetime:
    return datetime.now(UTC)
