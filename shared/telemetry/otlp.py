"""What sends spans, by OTLP over HTTP or as another exporter does. Addresses, headers, time limits, batches,
the sampler and further words about the process come from the standard OTEL_* variables."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

from shared.package import package_version
from shared.telemetry.otlp_process import SCOPE, end_soon, process
from shared.telemetry.trace_ids import TraceParent
from shared.telemetry.tracing import Span, Value

#: Traces whose sampling somebody else has decided; a runner has one at a time.
_MOST_DECIDED = 64


class _GivenIds(IdGenerator):
    """The ids of the span that this thread begins next."""

    def __init__(self) -> None:
        self._next = threading.local()

    def give(self, span: Span) -> None:
        self._next.ids = (span.trace, span.id)

    def generate_trace_id(self) -> int:
        """See IdGenerator."""
        return int(self._next.ids[0])

    def generate_span_id(self) -> int:
        """See IdGenerator."""
        return int(self._next.ids[1])


class Otlp:
    """A SpanSink. Spans are sent in batches from a thread of the SDK's; what cannot be sent is dropped."""

    def __init__(
        self,
        service: str,
        instance: str,
        redacted: Callable[[str], str],
        exporter: SpanExporter | None = None,
    ) -> None:
        """`exporter`: None: OTLP."""
        self._redacted = redacted
        self._ids = _GivenIds()
        resource = process(service, instance, namespaced=exporter is None)
        # Whether a trace is recorded is settled in `take`, in the same way for each of its spans.
        self._sampler = TracerProvider(shutdown_on_exit=False).sampler
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, resource=resource, id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(SCOPE, package_version())
        self._decided: OrderedDict[int, bool] = OrderedDict()
        self._lock = threading.Lock()

    def sampled(self, trace: int) -> bool:
        """See SpanSink: as somebody else has decided, else as the sampler does, by the trace's id."""
        with self._lock:
            if trace in self._decided:
                return self._decided[trace]
        decision = self._sampler.should_sample(Context(), trace, SCOPE).decision
        return decision is Decision.RECORD_AND_SAMPLE

    def follow(self, decided: TraceParent) -> None:
        """See SpanSink."""
        with self._lock:
            self._decided[decided.trace] = decided.sampled
            while len(self._decided) > _MOST_DECIDED:
                self._decided.popitem(last=False)

    def take(self, span: Span) -> None:
        """See SpanSink."""
        if not self.sampled(span.trace):
            return
        self._ids.give(span)
        made = self._tracer.start_span(
            str(span.name),
            context=_below(span.trace, span.parent),
            attributes=self._attributes(span.attributes),
            links=[Link(_context(span.trace, link)) for link in span.links],
            start_time=_nanoseconds(span.start),
        )
        if span.fault:
            made.set_status(Status(StatusCode.ERROR, self._redacted(span.fault)))
        # Clocks of two machines may disagree: never before its start.
        made.end(_nanoseconds(max(span.start, span.end)))

    def _attributes(self, attributes: Mapping[str, Value]) -> dict[str, Value]:
        return {
            str(name): self._redacted(value) if isinstance(value, str) else value
            for name, value in attributes.items()
        }

    def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        end_soon(self._provider.shutdown)


def _context(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _below(trace_id: int, parent: int | None) -> Context:
    """The context of a child of `parent`; of the root where there is none."""
    if parent is None:
        return Context()
    return trace.set_span_in_context(NonRecordingSpan(_context(trace_id, parent)), Context())


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
