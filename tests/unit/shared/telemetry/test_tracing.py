"""Stages of a thread as spans: what lies below what, and nothing where nobody takes them."""

import threading

import pytest

from shared.telemetry import trace_ids, tracing
from shared.telemetry.names import Attribute, SpanName
from shared.telemetry.tracing import Value, node_part, stage, traceparent
from tests.support.spans import kept_spans

UUID = "0af76519-16cd-43dd-8448-eb211c80319c"
ABOUT: dict[str, Value] = {Attribute.JOB: "w/e/j"}


def test_stages_lie_below_the_nodes_part_and_below_each_other() -> None:
    with kept_spans() as kept, node_part(UUID, 2, "gpu-0", ABOUT, "gpu-0"):
        with stage(SpanName.MOUNT, driver="nfs") as more:
            more[Attribute.FOLDER] = "data"
            with stage(SpanName.UPLOAD):
                assert tracing.position() is not None
        with stage(SpanName.PROCESSES):
            pass
    assert tracing.position() is None
    upload, mount, processes, node = kept.spans
    assert (upload.parent, mount.parent, processes.parent) == (mount.id, node.id, node.id)
    assert (node.id, node.parent) == (trace_ids.node_span(UUID, 2, "gpu-0"), trace_ids.attempt_span(UUID, 2))
    assert {span.trace for span in kept.spans} == {trace_ids.trace_id(UUID)}
    assert mount.attributes == {
        **ABOUT,
        Attribute.NUMBER: 2,
        Attribute.NODE: "gpu-0",
        Attribute.DRIVER: "nfs",
        Attribute.FOLDER: "data",
    }
    assert upload.start >= mount.start and upload.end <= mount.end
    assert not node.links


def test_a_node_that_helps_is_linked_to_the_leader() -> None:
    with kept_spans() as kept, node_part(UUID, 1, "gpu-1", ABOUT, "gpu-0"):
        pass
    assert kept.spans[0].links == (trace_ids.node_span(UUID, 1, "gpu-0"),)


def test_a_failed_stage_says_the_kind_of_the_error_and_not_its_words() -> None:
    with kept_spans() as kept, pytest.raises(KeyError), node_part(UUID, 1, "gpu-0", ABOUT, "gpu-0"):
        raise KeyError("hunter2-secret")
    assert kept.spans[0].fault == "KeyError"
    assert "hunter2" not in repr(kept.spans)


def test_outside_an_attempt_and_in_another_thread_a_stage_is_nothing() -> None:
    def elsewhere() -> None:
        with stage(SpanName.MOUNT):
            pass

    with kept_spans() as kept:
        elsewhere()
        with node_part(UUID, 1, "gpu-0", ABOUT, "gpu-0"):
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
    assert [span.name for span in kept.spans] == [SpanName.NODE]


def test_a_stage_may_be_a_decorator() -> None:
    @stage(SpanName.PROCESSES)
    def launch(value: int) -> int:
        return value

    with kept_spans() as kept, node_part(UUID, 1, "gpu-0", ABOUT, "gpu-0"):
        assert (launch(1), launch(2)) == (1, 2)
    first, second, _ = kept.spans
    assert (first.name, second.name) == (SpanName.PROCESSES, SpanName.PROCESSES)
    assert first.id != second.id


def test_the_context_of_a_run_says_whether_it_is_recorded() -> None:
    assert traceparent(UUID) == ""
    with kept_spans() as kept:
        assert traceparent(UUID) == f"00-{UUID.replace('-', '')}-{trace_ids.job_span(UUID):016x}-01"
        kept.records = False
        assert traceparent(UUID).endswith("-00")


def test_only_a_context_of_the_run_itself_is_followed() -> None:
    tracing.follow("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", UUID)  # nobody listens
    with kept_spans() as kept:
        tracing.follow("no context", UUID)
        tracing.follow("00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", UUID)
        assert not kept.decided
        tracing.follow("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", UUID)
        assert [one.sampled for one in kept.decided] == [False]


def test_without_a_sink_nothing_is_put_together() -> None:
    assert not tracing.is_on()
    with node_part(UUID, 1, "gpu-0", ABOUT, "gpu-0"), stage(SpanName.MOUNT) as more:
        assert (more, tracing.position()) == ({}, None)
