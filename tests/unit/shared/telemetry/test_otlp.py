"""What a receiver of OTLP gets: ids, times, links, faults, the process; and what it never gets."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from shared.telemetry import otlp, otlp_process, trace_ids
from shared.telemetry.names import Attribute, SpanName
from shared.telemetry.otlp import Otlp
from shared.telemetry.trace_ids import TraceParent
from shared.telemetry.tracing import Span, Value
from tests.support.otlp import ReceivedSpan, spans_of

UUID = "0af76519-16cd-43dd-8448-eb211c80319c"
TRACE = trace_ids.trace_id(UUID)
BEGAN = datetime(2026, 11, 29, 12, 0, 0, 250_000, tzinfo=UTC)
ROOT = Span(SpanName.JOB, TRACE, 7, None, BEGAN, BEGAN + timedelta(seconds=2))


class Encoding(SpanExporter):
    """Puts spans together as OTLP has them, and keeps what a receiver would read."""

    def __init__(self) -> None:
        self.spans: list[ReceivedSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans_of(encode_spans(spans).SerializeToString())
        return SpanExportResult.SUCCESS


def sent(*spans: Span, follow: TraceParent | None = None) -> list[ReceivedSpan]:
    kept = Encoding()
    sink = Otlp("batchai-runner", "gpu-0", lambda text: text.replace("hunter2", "***"), kept)
    if follow:
        sink.follow(follow)
    for span in spans:
        sink.take(span)
    sink.close()
    return kept.spans


def test_a_span_arrives_as_it_was_given() -> None:
    attributes: dict[str, Value] = {Attribute.JOB: "w/e/hunter2", Attribute.NUMBER: 2}
    child = Span(SpanName.ATTEMPT, TRACE, 8, 7, BEGAN, BEGAN, attributes, (9, 10), "RunnerLost")
    root, attempt = sent(ROOT, child)
    assert (root.trace, root.id, root.parent, root.fault) == (UUID.replace("-", ""), f"{7:016x}", "", "")
    assert (root.start, root.end - root.start) == (int(BEGAN.timestamp()) * 10**9 + 250_000_000, 2 * 10**9)
    assert (attempt.parent, attempt.fault, attempt.links) == (
        root.id,
        "RunnerLost",
        (f"{9:016x}", f"{10:016x}"),
    )
    assert attempt.attributes == {"batchai.job.id": "w/e/***", "batchai.attempt.number": "2"}
    assert (root.service, root.instance) == ("batchai-runner", "gpu-0")


def test_the_standard_variables_name_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=rack-1")
    (span,) = sent(ROOT)
    assert (span.service, span.instance) == ("ours", "rack-1")


def test_clocks_that_disagree_make_no_span_that_ends_before_it_begins() -> None:
    (span,) = sent(Span(SpanName.WAIT, TRACE, 8, 7, BEGAN, BEGAN - timedelta(seconds=1)))
    assert span.start == span.end


@pytest.mark.parametrize(
    ("sampler", "decided", "arrives"),
    [
        ("always_on", None, True),
        ("always_off", None, False),
        ("always_off", True, True),
        ("always_on", False, False),
    ],
)
def test_the_sampler_decides_unless_a_message_has(
    monkeypatch: pytest.MonkeyPatch, sampler: str, decided: bool | None, arrives: bool
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    found = sent(ROOT, follow=None if decided is None else TraceParent(TRACE, 7, decided))
    assert bool(found) is arrives


def test_decisions_of_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "_MOST_DECIDED", 2)
    sink = Otlp("batchai-runner", "gpu-0", str, Encoding())
    for trace in (1, 2, 3):
        sink.follow(TraceParent(trace, 1, False))
    assert [sink.sampled(trace) for trace in (1, 2, 3)] == [True, False, False]
    sink.close()


class Stuck(SpanExporter):
    """Sends for as long as a test lets it."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.released.wait(20)
        return SpanExportResult.FAILURE


def test_a_receiver_that_does_not_answer_costs_little_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_process, "_CLOSE_SECONDS", 0.2)
    stuck = Stuck()
    sink = Otlp("batchai-runner", "gpu-0", str, stuck)
    sink.take(ROOT)
    began = time.monotonic()
    sink.close()
    assert time.monotonic() - began < 5
    stuck.released.set()
