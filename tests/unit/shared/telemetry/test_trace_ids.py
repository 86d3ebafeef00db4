"""Ids of a run's trace: the same wherever they are derived, and W3C Trace Context as text."""

import pytest

from shared.telemetry import trace_ids
from shared.telemetry.trace_ids import TraceParent, traceparent_from

UUID = "0af76519-16cd-43dd-8448-eb211c80319c"
TEXT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_the_trace_is_the_uuid() -> None:
    assert f"{trace_ids.trace_id(UUID):032x}" == UUID.replace("-", "")


@pytest.mark.parametrize("text", ["", "none", "0" * 32, "f" * 33])
def test_what_is_no_uuid_is_no_trace(text: str) -> None:
    with pytest.raises(ValueError):
        trace_ids.trace_id(text)


def test_spans_of_a_run_differ_and_are_the_same_everywhere() -> None:
    spans = [
        trace_ids.job_span(UUID),
        trace_ids.attempt_span(UUID, 1),
        trace_ids.attempt_span(UUID, 2),
        trace_ids.node_span(UUID, 1, "gpu-0"),
        trace_ids.node_span(UUID, 2, "gpu-0"),
        trace_ids.node_span(UUID, 1, "gpu-1"),
    ]
    assert len(set(spans)) == len(spans)
    assert all(0 < span < 1 << 64 for span in spans)
    # Processes of other versions derive the same: these do not change.
    assert f"{trace_ids.job_span(UUID):016x}" == "7d3bcb3214b56c43"
    assert f"{trace_ids.node_span(UUID, 1, 'gpu-0'):016x}" == "f46341fab4ed86ed"


def test_a_context_is_read_as_it_is_written() -> None:
    context = traceparent_from(TEXT)
    assert context == TraceParent(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, True)
    assert str(context) == TEXT
    assert traceparent_from(TEXT[:-1] + "0") == TraceParent(context.trace, context.span, False)
    assert traceparent_from(TEXT[:-2] + "03") == context


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "01" + TEXT[2:],
        TEXT + "-more",
        TEXT.upper(),
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
    ],
)
def test_another_text_is_no_context(text: str) -> None:
    assert traceparent_from(text) is None
