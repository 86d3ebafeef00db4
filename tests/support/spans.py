"""A sink of spans that keeps them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.telemetry import tracing
from shared.telemetry.trace_ids import TraceParent
from shared.telemetry.tracing import Span


@dataclass
class KeptSpans:
    """A SpanSink that records every trace, but for those that somebody has decided not to."""

    spans: list[Span] = field(default_factory=list)
    decided: list[TraceParent] = field(default_factory=list)
    records: bool = True

    def sampled(self, trace: int) -> bool:
        return self.records

    def follow(self, decided: TraceParent) -> None:
        self.decided.append(decided)

    def take(self, span: Span) -> None:
        self.spans.append(span)

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


@contextmanager
def kept_spans() -> Iterator[KeptSpans]:
    """The sink of this process inside the block."""
    made = KeptSpans()
    tracing.use(made)
    try:
        yield made
    finally:
        tracing.use(None)
