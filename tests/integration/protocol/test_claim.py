"""Who may claim, when an attempt is over, and what a loser may still do: nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared import fail_points
from shared.errors import LostOwnershipError, StoreError
from shared.fail_points import FailPointError
from shared.jobs import transitions
from shared.jobs.events import EventKind
from shared.jobs.model import AttemptReport, Outcome, Reason, State, StreamSeal
from shared.jobs.waiting_reason import WaitingReason
from shared.managers.claims import Claim
from shared.stores.node_table import NodeRow
from tests.support.waiting import eventually
from tests.support.world import DONE, World, document


def test_a_claim_is_a_running_row_with_attempt_and_owner(world: World) -> None:
    world.accept()
    claim = world.must_claim("node-7")
    job = world.job()
    assert (job.state, job.attempt, job.owner) == (State.RUNNING, 1, "node-7")
    assert job.message_id == claim.lease.message_id
    assert claim.job == job


def test_an_empty_queue_gives_nothing(world: World) -> None:
    assert world.claim() is None


def test_eight_runners_one_winner(world: World) -> None:
    """All of them see the row queued; the ETag lets one through, however many messages there are."""
    for _ in range(8):
        world.accept()
    start = threading.Barrier(8)

    def claim(number: int) -> object:
        start.wait()
        return world.claim(f"node-{number}")

    with ThreadPoolExecutor(8) as pool:
        claims = [c for c in pool.map(claim, range(8)) if c]
    assert len(claims) == 1
    assert world.job().attempt == 1


def test_a_duplicate_of_a_running_job_is_dropped(world: World) -> None:
    world.accept()
    world.accept()
    claim = world.must_claim()
    assert world.messages() == 2
    assert world.claim("node-1") is None
    assert world.messages() == 1
    assert world.job().owner == "node-0"
    world.backend.attempts.renew(claim.job, claim.lease)


@pytest.mark.parametrize("content", ["not json", "[]", '{"uuid": 1}', "bm90IGpzb24="])
def test_a_stray_message_is_dropped(world: World, content: str) -> None:
    world.stores.queue(world.queue()).send_message(content)
    assert world.claim() is None
    assert world.messages() == 0


def test_a_message_of_an_ended_job_is_dropped_and_the_status_is_brought_up_to_date(world: World) -> None:
    """What a crash between the ended row and status.json leaves."""
    world.accept()
    claim = world.must_claim()
    world.stores.jobs.end(transitions.finish(claim.job, Outcome(Reason.SUCCEEDED, 0), world.clock()))
    assert world.status()["state"] == "queued"
    world.expire(claim)
    assert world.claim("node-1") is None
    assert world.messages() == 0
    assert world.status()["state"] == "succeeded"


def test_a_lost_runner_is_succeeded_through_the_same_message(world: World) -> None:
    world.accept()
    lost = world.must_claim("node-0")
    taken = eventually(lambda: world.claim("node-1"), world.settings.lease_seconds + 3)
    assert (taken.job.attempt, taken.job.owner, taken.job.uuid) == (2, "node-1", lost.job.uuid)
    with pytest.raises(LostOwnershipError):
        world.backend.attempts.renew(lost.job, lost.lease)
    with pytest.raises(LostOwnershipError):
        world.finish(lost)
    assert world.job().state is State.RUNNING
    assert world.finish(taken).state is State.SUCCEEDED


def test_a_loser_that_comes_back_after_the_end_changes_nothing(world: World) -> None:
    world.accept()
    lost = world.must_claim("node-0")
    world.expire(lost)
    ended = world.finish(world.must_claim("node-1"))
    with pytest.raises(LostOwnershipError):
        world.finish(lost, Outcome(Reason.JOB_FAILED, 3))
    with pytest.raises(LostOwnershipError):
        world.backend.attempts.give_back(lost.job, lost.lease, "drained")
    assert world.job() == ended


def test_attempts_are_counted_and_end(world: World) -> None:
    world.accept()
    for attempt in (1, 2, 3):
        claim = world.must_claim()
        assert claim.job.attempt == attempt
        world.expire(claim)
    assert world.claim() is None
    job = world.job()
    assert (job.state, job.errors[0].code, job.exit_code) == (State.FAILED, "RunnerLost", None)
    assert world.messages() == 0
    assert world.status()["errors"][0]["code"] == "RunnerLost"


def test_a_fault_of_ours_is_tried_again_after_a_pause(world: World) -> None:
    world.accept()
    again = world.finish(world.must_claim(), Outcome(Reason.RUNNER_FAULT, message="disk full"))
    assert (again.state, again.attempt) == (State.QUEUED, 1)
    assert again.retry_at is not None and again.retry_at > again.state_since
    assert world.claim() is None, "the message is hidden while the pause lasts"
    assert world.job().events[-1].kind is EventKind.RETRY_SCHEDULED
    world.stores.nodes.report(NodeRow(world.cluster, "node-1", "idle", 0))
    waiting = world.manager.why(again)
    assert (waiting.reason, waiting.until) == (WaitingReason.RETRY_BACKOFF, again.retry_at)
    taken = eventually(lambda: world.claim("node-1"), 5)
    assert (taken.job.attempt, taken.job.retry_at) == (2, None)


def test_a_job_that_ends_every_runner_fails_with_its_history(world: World) -> None:
    world.accept()
    for number in range(3):
        world.expire(world.must_claim(f"node-{number}"))
    assert world.claim("node-3") is None
    job = world.job()
    assert job.state is State.FAILED
    seen = [(event.kind, event.attempt, event.node) for event in job.events]
    assert seen == [
        (EventKind.CLAIMED, 1, "node-0"),
        (EventKind.RUNNER_LOST, 1, "node-0"),
        (EventKind.CLAIMED, 2, "node-1"),
        (EventKind.RUNNER_LOST, 2, "node-1"),
        (EventKind.CLAIMED, 3, "node-2"),
        (EventKind.RUNNER_LOST, 3, "node-2"),
        (EventKind.ENDED, 3, "node-2"),
    ]
    assert [event["event"] for event in world.status()["timeline"]["events"]][:2] == ["Queued", "Claimed"]


def deliver_often(world: World) -> None:
    """More often than outages of storage explain."""
    for _ in range(26):
        message = world.receive()
        assert message
        world.stores.queues.renew(message.queue, message.message_id, message.pop_receipt, 0)


def test_a_message_that_nobody_lives_to_claim_is_poison(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.accept()
    deliver_often(world)
    with monkeypatch.context() as patch:
        patch.setattr(fail_points, "_wanted", "received:fault")
        for _ in range(3):
            eventually(lambda: dies_before_its_claim(world), 5)
    eventually(lambda: world.claim() is None and not world.job().state.live, 5)
    assert (world.job().state, world.job().errors[0].code) == (State.FAILED, "PoisonJob")
    assert world.messages() == 0


def dies_before_its_claim(world: World) -> bool:
    try:
        world.claim()
    except FailPointError:
        return True
    return False


def test_deliveries_that_came_to_nothing_for_want_of_storage_are_not_held_against_it(world: World) -> None:
    world.accept()
    deliver_often(world)
    assert world.must_claim().job.attempt == 1


def test_the_message_of_a_job_whose_lease_lives_is_put_back(world: World) -> None:
    """A queue that was away, or a receipt that died with a lost answer: the message comes back too early."""
    world.accept()
    claim = world.must_claim("node-0")
    lease = claim.lease
    world.stores.queues.renew(lease.queue, lease.message_id, lease.pop_receipt, 0)
    assert world.claim("node-1") is None
    assert (world.job(), world.messages()) == (claim.job, 1)


def test_a_dead_receipt_costs_its_owner_nothing(world: World) -> None:
    """It puts another message in place of the one that it cannot prove to hold any more."""
    world.accept()
    claim = world.must_claim("node-0")
    lease = replace(claim.lease, pop_receipt="AgAAAAMAAAAAAAAAdead")
    renewed, job = world.backend.attempts.renew(claim.job, lease)
    assert renewed.message_id != claim.lease.message_id
    assert job == world.job() and job.message_id == renewed.message_id
    assert world.messages() == 2
    # The old one comes back: a duplicate.
    world.stores.queues.renew(lease.queue, claim.lease.message_id, claim.lease.pop_receipt, 0)
    assert world.claim("node-1") is None
    assert world.messages() == 1
    renewed, job = world.backend.attempts.renew(job, renewed)
    assert world.backend.attempts.finish(job, renewed, DONE).state is State.SUCCEEDED
    assert world.messages() == 0


def test_any_message_takes_over_once_the_lease_is_over(world: World) -> None:
    world.accept()
    lost = world.must_claim("node-0")
    world.stores.queues.delete(lost.lease.queue, lost.lease.message_id, lost.lease.pop_receipt)

    def taken() -> Claim | None:
        # One that comes while the lease lives is a duplicate, and dropped.
        world.stores.queues.send(world.job())
        return world.claim("node-1")

    claim = eventually(taken, world.settings.lease_seconds + 3)
    assert (claim.job.attempt, claim.job.owner) == (2, "node-1")


def test_a_row_of_an_older_runner_is_judged_by_its_message(world: World) -> None:
    """It carries no lease: its message is visible again only because it was not renewed."""
    world.accept()
    claim = world.must_claim("node-0")
    world.stores.jobs.update(replace(claim.job, lease_seconds=None))
    world.stores.queues.send(claim.job)
    assert world.claim("node-1") is None, "another message is a duplicate"
    lease = claim.lease
    world.stores.queues.renew(lease.queue, lease.message_id, lease.pop_receipt, 0)
    assert world.must_claim("node-1").job.attempt == 2


def test_what_a_lost_runner_had_reported_of_its_logs_is_kept(world: World) -> None:
    """The renewals leave it in the message: no call more, and the next claim finds it."""
    world.accept()
    claim = world.must_claim()
    lease, _ = world.backend.attempts.renew(
        claim.job, claim.lease, (StreamSeal("stdout.txt", 1234, "", False, 56),)
    )
    world.expire(replace(claim, lease=lease))
    taken = world.must_claim("node-1")
    assert taken.job.seals == (StreamSeal("stdout.attempt-1.txt", 1234, "", False, 56),)
    lost = next(event for event in taken.job.events if event.kind is EventKind.RUNNER_LOST)
    assert "stdout.txt 1234 bytes" in lost.detail
    ours = StreamSeal("stdout.txt", 5, "ab", True, 1)
    ended = world.backend.attempts.finish(taken.job, taken.lease, DONE, AttemptReport((ours,)))
    assert [(seal.name, seal.complete) for seal in ended.seals] == [
        ("stdout.attempt-1.txt", False),
        ("stdout.txt", True),
    ]


def test_a_fault_of_the_user_is_not(world: World) -> None:
    world.accept()
    ended = world.finish(world.must_claim(), Outcome(Reason.JOB_FAILED, 3))
    assert (ended.state, ended.exit_code) == (State.FAILED, 3)
    assert world.claim() is None


def test_giving_back_spends_nothing(world: World) -> None:
    world.accept()
    for _ in range(4):
        claim = world.must_claim()
        given = world.backend.attempts.give_back(claim.job, claim.lease, "The runner was stopped")
        assert given.state is State.QUEUED
    job = world.job()
    assert job.max_attempts - job.attempt == 3
    assert world.messages() == 1


def test_an_unreadable_document_ends_the_job_after_its_attempts(world: World) -> None:
    job = world.accept()
    world.backend.documents.delete_accepted(job.uuid)
    eventually(lambda: world.claim() is None and not world.job().state.live)
    ended = world.job()
    assert (ended.state, ended.errors[0].code) == (State.FAILED, "RunnerFault")
    assert world.messages() == 0


def test_renewals_hide_the_message_and_move_the_deadline(world: World) -> None:
    world.accept()
    claim = world.must_claim()
    world.counter.reset()
    lease, job = world.backend.attempts.renew(claim.job, claim.lease)
    assert world.counter.snapshot().total() == 2
    assert lease.deadline > claim.lease.deadline
    assert lease.pop_receipt != claim.lease.pop_receipt
    assert job == world.job() and job.etag == world.job().etag
    assert world.claim("node-1") is None
    assert world.finish(claim).state is State.SUCCEEDED, (
        "the row is held by attempt and owner, not by a receipt"
    )


def test_a_lock_on_status_json_keeps_nothing(world: World) -> None:
    """Whoever may write to the container can take one; status.json is ours."""
    world.accept("locked")
    client = world.backend.connection.blobs.get_blob_client(
        world.settings.jobs_container, f"{world.id('locked')}/status.json"
    )
    client.acquire_lease(-1)
    claim = world.must_claim()
    assert world.finish(claim).state is State.SUCCEEDED
    assert world.status("locked")["state"] == "succeeded"
    assert world.messages() == 0


def test_messages_that_mean_nothing_do_not_keep_a_good_job_waiting(world: World) -> None:
    """One look gets past them: otherwise each would cost a runner a pause."""
    for _ in range(20):
        world.stores.queue(world.queue()).send_message("stray")
    world.accept()
    assert world.must_claim().job.id == world.id()
    assert world.messages() == 1


def test_a_document_that_cannot_be_read_for_now_costs_no_attempt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.accept(data=document(secrets=[{"name": "A", "value": "hidden"}]))

    def away(name: str) -> None:
        raise StoreError("the blob service is away")

    with monkeypatch.context() as patch:
        patch.setattr(world.backend.documents, "read_accepted", away)
        for _ in range(world.settings.max_attempts + 1):
            with pytest.raises(StoreError):
                eventually(world.claim, 5)
    claim = eventually(world.claim, 5)
    assert claim.job.attempt == 1
