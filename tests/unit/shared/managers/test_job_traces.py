"""The spans that the writers of a job's row record, over storage in memory."""

import json
from collections.abc import Iterator

import pytest

from shared.jobs.model import Outcome, Reason, State, StreamSeal
from shared.telemetry import trace_ids
from shared.telemetry.names import Attribute
from tests.support.memory.world import MemoryWorld, memory_world
from tests.support.spans import KeptSpans, kept_spans
from tests.support.world import document


@pytest.fixture
def world() -> MemoryWorld:
    return memory_world()


@pytest.fixture
def kept() -> Iterator[KeptSpans]:
    with kept_spans() as made:
        yield made


def message(world: MemoryWorld) -> dict[str, object]:
    (peeked,) = world.account.queues.get_queue_client(world.queue()).peek_messages()
    body: dict[str, object] = json.loads(peeked.content)
    return body


def test_a_job_that_succeeds_is_one_tree(world: MemoryWorld, kept: KeptSpans) -> None:
    job = world.accept()
    world.wait(3)
    claim = world.must_claim()
    world.wait(5)
    world.finish(claim)
    names = [str(span.name).removeprefix("batchai.") for span in kept.spans]
    assert names == ["accept", "wait", "claim", "attempt", "job"]
    accept, wait, claimed, attempt, root = kept.spans
    assert {span.trace for span in kept.spans} == {trace_ids.trace_id(job.uuid)}
    assert (root.id, root.parent) == (trace_ids.job_span(job.uuid), None)
    assert {span.parent for span in (accept, wait, attempt)} == {root.id}
    assert claimed.parent == attempt.id == trace_ids.attempt_span(job.uuid, 1)
    assert (wait.start, (wait.end - wait.start).total_seconds() >= 3) == (job.created, True)
    assert (attempt.end - attempt.start).total_seconds() >= 5
    assert (root.start, root.end >= attempt.end) == (job.created, True)
    assert root.attributes == {
        Attribute.JOB: str(job.id),
        Attribute.RUN: job.uuid,
        Attribute.CLUSTER: str(job.cluster),
        Attribute.STATE: "succeeded",
        Attribute.REASON: "Succeeded",
        Attribute.TOOL: "custom",
        Attribute.NODES: 1,
        Attribute.EXIT_CODE: 0,
    }
    assert not any(span.fault for span in kept.spans)


def test_a_failed_attempt_is_a_fault_and_the_next_links_to_it(world: MemoryWorld, kept: KeptSpans) -> None:
    job = world.accept()
    world.finish(world.must_claim(), Outcome(Reason.RUNNER_FAULT, message="hunter2-secret"))
    world.wait(5)
    world.finish(world.must_claim(), Outcome(Reason.JOB_FAILED, 3))
    first, second = kept.named("batchai.attempt")
    assert (first.fault, second.fault, second.links) == ("RunnerFault", "JobFailed", (first.id,))
    (root,) = kept.named("batchai.job")
    assert (root.fault, root.attributes[Attribute.EXIT_CODE]) == ("JobFailed", 3)
    assert "hunter2" not in repr(kept.spans)
    assert [span.attributes[Attribute.NUMBER] for span in kept.named("batchai.wait")] == [1, 2]
    assert kept.named("batchai.wait")[1].start >= first.end
    assert job.uuid in {span.attributes[Attribute.RUN] for span in kept.spans}


def test_whoever_takes_over_records_the_lost_attempt(world: MemoryWorld, kept: KeptSpans) -> None:
    job = world.accept()
    claim = world.must_claim("node-0")
    claimed_at = kept.named("batchai.wait")[0].end
    world.wait(world.settings.lease_seconds + 20)
    world.must_claim("node-1")
    (lost,) = kept.named("batchai.attempt")
    (part,) = kept.named("batchai.node")
    assert (lost.id, lost.fault) == (trace_ids.attempt_span(job.uuid, 1), "RunnerLost")
    assert (part.id, part.parent) == (trace_ids.node_span(job.uuid, 1, "node-0"), lost.id)
    assert claim.lease.owner == lost.attributes[Attribute.NODE] == "node-0"
    # It ends where the lease did, and there the next wait begins
    assert 0 <= (lost.end - claimed_at).total_seconds() - world.settings.lease_seconds < 5
    assert kept.named("batchai.wait")[1].start == lost.end


def test_the_timer_records_an_attempt_whose_message_is_gone_too(world: MemoryWorld, kept: KeptSpans) -> None:
    world.accept()
    claim = world.must_claim()
    world.wait(3 * world.settings.lease_seconds)
    message = world.receive()
    assert message
    world.backend.attempts.delete_message(message.queue, message.message_id, message.pop_receipt)
    world.backend.sweeper.sweep()
    assert [span.fault for span in kept.named("batchai.attempt")] == ["RunnerLost"], claim


def test_out_of_attempts_the_last_is_recorded_as_lost(kept: KeptSpans) -> None:
    world = memory_world(max_attempts=1)
    world.accept()
    world.must_claim()
    world.wait(world.settings.lease_seconds + 1)
    assert world.claim() is None
    assert world.job().state is State.FAILED
    assert [span.name for span in kept.spans][-3:] == ["batchai.attempt", "batchai.node", "batchai.job"]
    assert kept.spans[-1].fault == "RunnerLost"


def test_a_job_given_back_or_ended_while_it_waits(world: MemoryWorld, kept: KeptSpans) -> None:
    world.accept()
    claim = world.must_claim()
    world.backend.attempts.give_back(claim.job, claim.lease, "drain")
    assert kept.named("batchai.attempt")[0].attributes[Attribute.REASON] == "HandedBack"
    world.manager.terminate(world.id())
    (root,) = kept.named("batchai.job")
    assert (root.fault, Attribute.EXIT_CODE in root.attributes) == ("JobTerminated", False)


def test_a_job_that_was_to_be_deleted_has_its_root_too(world: MemoryWorld, kept: KeptSpans) -> None:
    world.accept()
    claim = world.must_claim()
    world.manager.delete(world.id())
    world.finish(claim, Outcome(Reason.TERMINATED))
    assert len(kept.named("batchai.job")) == 1


def test_the_message_carries_the_context_also_when_it_is_rewritten(
    world: MemoryWorld, kept: KeptSpans
) -> None:
    job = world.accept(data=document(secrets=[{"name": "A", "value": "hidden"}]))
    context = f"00-{job.uuid.replace('-', '')}-{trace_ids.job_span(job.uuid):016x}-01"
    assert message(world)["traceparent"] == context
    received = world.receive()
    assert received is not None and received.traceparent == context
    world.stores.queues.put_back(received, 0)
    assert message(world)["traceparent"] == context
    claim = world.must_claim()
    assert claim.lease.traceparent == context
    assert [one.sampled for one in kept.decided] == [True]


def test_a_renewal_keeps_what_the_sender_has_decided(world: MemoryWorld) -> None:
    """The sender records traces, the runner does not."""
    with kept_spans() as kept:
        kept.records = False
        world.accept()
    claim = world.must_claim()
    assert claim.lease.traceparent.endswith("-00")
    world.backend.attempts.renew(claim.job, claim.lease, (StreamSeal("stdout.txt", 1, "", False),))
    world.wait(world.settings.lease_seconds + 1)
    received = world.receive()
    assert received is not None and received.traceparent == claim.lease.traceparent


def test_off_no_message_has_a_context(world: MemoryWorld) -> None:
    world.accept()
    assert "traceparent" not in message(world)
    claim = world.must_claim()
    assert claim.lease.traceparent == ""
    world.finish(claim)
