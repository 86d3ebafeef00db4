"""How the nodes of a job come together: who leads, who helps, who gives way."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from shared.errors import LostOwnershipError
from shared.jobs.events import EventKind
from shared.jobs.gang import Ending, Gang, Member, Phase, Step
from shared.jobs.model import AttemptReport, Job, Outcome, Reason, State, StreamSeal
from shared.jobs.waiting_reason import WaitingReason
from shared.managers.claims import Claim, Help
from shared.managers.gang_manager import Gangs, new_token
from shared.stores import gang_rows, gang_table, row_keys
from shared.stores.node_table import NodeRow
from tests.support.waiting import eventually
from tests.support.world import World, settings_for
from tests.support.world import world as open_world

SILENCE = 2.0


@pytest.fixture
def world(installation: str) -> Iterator[World]:
    settings = settings_for(installation, lease_seconds=6, gang_silence_seconds=SILENCE)
    with open_world(settings) as made:
        for number in range(3):
            made.stores.nodes.report(NodeRow(made.cluster, f"node-{number}", "idle", 0))
        yield made


def gangs(world: World) -> Gangs:
    found: Gangs = world.backend.gangs
    return found


def a_job(world: World, name: str = "job", nodes: int = 2, **changes: Any) -> Job:
    """A queued job of several nodes with its message."""
    world.accept(name)
    written: Job = world.stores.jobs.update(replace(world.job(name), node_count=nodes, **changes))
    return written


def member(node: str) -> Member:
    return Member(0, node, "127.0.0.1", 0, new_token(), access='{"port": 2200}', ports=(2222, 2223))


def lead(world: World, name: str = "job", nodes: int = 2, node: str = "node-0") -> tuple[Claim, Gang]:
    a_job(world, name, nodes)
    claim = world.must_claim(node)
    return claim, gangs(world).open(claim.job, member(node))


def seen(world: World, gang: Gang) -> Gang:
    found = world.stores.gangs.look_at(gang).find(gang.uuid, gang.attempt)
    assert found is not None
    return found


def test_a_claimed_job_of_several_nodes_stays_queued_and_says_what_it_has(world: World) -> None:
    claim, gang = lead(world)
    job = world.job()
    assert (job.state, job.attempt, job.owner, job.started) == (State.QUEUED, 1, "node-0", None)
    assert gangs(world).join(gang, member("node-1"))
    waiting = world.manager.why(job)
    assert waiting.reason is WaitingReason.GANG_INCOMPLETE
    assert "2 of 2 nodes are together: node-0, node-1" in waiting.message
    assert world.backend.attempts.renew(claim.job, claim.lease)[1].held


def test_a_complete_gang_runs_and_is_closed(world: World) -> None:
    claim, gang = lead(world)
    whole = gangs(world).join(gang, member("node-1"))
    assert whole is not None and [m.index for m in whole.members] == [0, 1]
    world.stores.gangs.write(replace(whole, phase=Phase.ASSEMBLED))
    assert gangs(world).join(gang, member("node-2")) is None, "nobody joins any more"
    running = world.backend.attempts.assembled(claim.job, claim.lease, ["node-0", "node-1"])
    assert (running.state, running.started is not None) == (State.RUNNING, True)
    assert running.events[-1].kind is EventKind.ASSEMBLED
    assert world.finish(claim).state is State.SUCCEEDED, "a claim from before is as good"


def test_one_seat_for_each_of_many_that_want_it(world: World) -> None:
    """Eight join at once; the gang's row lets them through one by one, until it is complete."""
    _, gang = lead(world, nodes=3)
    start = threading.Barrier(8)

    def join(number: int) -> Gang | None:
        start.wait()
        return gangs(world).join(gang, member(f"other-{number}"))

    with ThreadPoolExecutor(8) as pool:
        joined = [found for found in pool.map(join, range(8)) if found]
    assert len(joined) == 2
    found = seen(world, gang)
    assert (found.taken, [m.index for m in found.members]) == (3, [0, 1, 2])


def test_what_a_member_shows_comes_back_as_it_was(world: World) -> None:
    _, gang = lead(world)
    joined = gangs(world).join(gang, member("node-1"))
    assert joined is not None
    message = replace(
        joined.members[1],
        step=Step.LEFT,
        fault=Outcome(Reason.JOB_FAILED, 3, "broken", (("Node", "node-1"),), transient=True),
        leaving="The runner was stopped",
        report=AttemptReport((StreamSeal("stdout-1.txt", 5, "ab", True, 1),), (), 2.5),
    )
    written = world.stores.gangs.write_report(joined, message)
    back = seen(world, gang).members[1]
    assert replace(back, heard=None) == replace(written, heard=None)
    assert back.heard is not None
    with pytest.raises(LostOwnershipError):
        world.stores.gangs.write_report(joined, message)


def test_some_members_can_be_looked_at_alone(world: World) -> None:
    _, gang = lead(world, nodes=3)
    assert gangs(world).join(gang, member("node-1"))
    assert gangs(world).join(gang, member("node-2"))
    found = world.stores.gangs.look_at_seats(gang, (0, 2)).find(gang.uuid, gang.attempt)
    assert found is not None
    assert [m.node_id for m in found.members] == ["node-0", "node-2"]
    world.stores.gangs.remove(gang)
    assert world.stores.gangs.look_at_seats(gang, (0, 2)).gangs == ()


def test_a_member_that_leaves_frees_its_seat_unless_the_gang_is_complete(world: World) -> None:
    _, gang = lead(world, nodes=3)
    first, second = member("node-1"), member("node-2")
    assert gangs(world).join(gang, first)
    assert gangs(world).leave(gang, first.token)
    whole = gangs(world).join(gang, second)
    assert whole is not None and [m.node_id for m in whole.members] == ["node-0", "node-2"]
    whole = gangs(world).join(gang, first)
    assert whole is not None and not whole.lacking
    world.stores.gangs.write(replace(whole, phase=Phase.ASSEMBLED))
    assert not gangs(world).leave(gang, second.token), "it has to report, and to be waited for"
    assert gangs(world).leave(gang, "somebody who is not in it")


def test_a_seat_is_not_freed_from_somebody_who_has_been_heard_of_since(world: World) -> None:
    _, gang = lead(world)
    joined = gangs(world).join(gang, member("node-1"))
    assert joined is not None
    world.stores.gangs.write_report(joined, joined.members[1])
    with pytest.raises(LostOwnershipError):
        world.stores.gangs.free(joined, joined.members[1])
    assert len(seen(world, gang).members) == 2


def test_a_younger_gang_waits_and_its_runner_helps_the_older_one(world: World) -> None:
    _, older = lead(world, "older", 3)
    a_job(world, "younger", 2)
    answer = world.next_job("node-1")
    assert isinstance(answer, Help) and answer.gang.uuid == older.uuid
    assert (world.job("younger").attempt, world.job("younger").owner) == (0, None)
    message = eventually(world.receive, 5)
    assert (message.uuid, message.excused) == (world.job("younger").uuid, 1)


def test_a_gang_that_is_complete_holds_nobody_up(world: World) -> None:
    _, older = lead(world, "older")
    assert gangs(world).join(older, member("node-1"))
    a_job(world, "younger", 2)
    assert isinstance(world.claim("node-2"), Claim)


def test_a_higher_priority_comes_before_an_older_job(world: World) -> None:
    _, older = lead(world, "older", 3)
    a_job(world, "urgent", 2, priority="high")
    taken = world.claim("node-1")
    assert isinstance(taken, Claim)
    gangs(world).open(taken.job, member("node-1"))
    first = gangs(world).to_help(world.cluster)
    assert first is not None and first.uuid == taken.job.uuid
    assert gangs(world).to_help(world.cluster, older.rank) == first


def test_a_hint_leads_to_the_gang_that_lacks_nodes_and_is_used_up(world: World) -> None:
    _, gang = lead(world, nodes=3)
    gangs(world).ask(gang, 10)
    assert world.messages() == 3
    answer = world.next_job("node-1", "high")
    assert isinstance(answer, Help) and answer.gang.uuid == gang.uuid
    gangs(world).join(gang, member("node-1"))
    gangs(world).join(gang, member("node-2"))
    assert world.claim("node-3", "high") is None, "it means nothing any more"
    assert world.messages() == 1


def test_hints_vanish(world: World) -> None:
    _, gang = lead(world)
    gangs(world).ask(gang, 1)
    gone = time.monotonic() + 1.5
    eventually(lambda: time.monotonic() > gone)
    assert world.receive("high") is None


def test_a_gang_larger_than_the_cluster_is_not_claimed_and_says_so(world: World) -> None:
    a_job(world, nodes=4)
    for delivery in range(3):
        assert eventually(lambda: world.messages() == 1)
        assert world.claim() is None
        message = eventually(world.receive, 10)
        assert message.excused == delivery + 1
        world.stores.queues.renew(message.queue, message.message_id, message.pop_receipt, 0)
    job = world.job()
    assert (job.attempt, job.state) == (0, State.QUEUED)
    waiting = world.manager.why(job)
    assert waiting.reason is WaitingReason.GANG_TOO_LARGE
    assert "needs 4 nodes" in waiting.message


def test_deliveries_that_were_put_back_are_not_held_against_a_message(world: World) -> None:
    a_job(world)
    for _ in range(30):
        message = eventually(world.receive, 5)
        world.stores.queues.put_back(message, 0)
    assert isinstance(world.claim(), Claim)


def test_a_gang_that_has_waited_for_days_is_still_looked_at(world: World) -> None:
    a_job(world, nodes=4)
    message = world.receive()
    assert message
    world.stores.queues.put_back(replace(message, excused=100_000), 0)
    assert world.claim() is None
    assert world.messages() == 1


def test_excuses_outlive_renewals(world: World) -> None:
    a_job(world)
    message = world.receive()
    assert message
    world.stores.queues.put_back(message, 0)
    claim = world.must_claim()
    lease, _ = world.backend.attempts.renew(
        claim.job, claim.lease, (StreamSeal("stdout.txt", 1, "", False, 1),)
    )
    world.expire(replace(claim, lease=lease))
    again = world.receive()
    assert again and again.excused == 1


def test_dissolving_spends_nothing_and_is_no_error(world: World) -> None:
    claim, gang = lead(world)
    given = world.backend.attempts.dissolve(claim.job, claim.lease, "an older one comes first", 0)
    world.stores.gangs.remove(gang)
    assert (given.state, given.owner, given.errors) == (State.QUEUED, None, ())
    assert given.max_attempts - given.attempt == 3
    assert gangs(world).of_job(claim.job) is None
    assert world.manager.why(given).reason is WaitingReason.WAITING_FOR_NODE
    assert world.must_claim("node-1").job.attempt == 2


def test_a_held_job_is_taken_over_through_its_own_message_only(world: World) -> None:
    claim, gang = lead(world)
    world.stores.queues.send(world.job())
    assert world.claim("node-1") is None, "a duplicate"
    assert world.messages() == 1
    world.expire(claim)
    taken = world.must_claim("node-1")
    assert (taken.job.attempt, taken.job.owner, taken.job.held) == (2, "node-1", True)
    assert taken.job.events[-2].kind is EventKind.RUNNER_LOST
    anew = gangs(world).open(taken.job, member("node-1"))
    assert [m.node_id for m in seen(world, anew).members] == ["node-1"]
    assert world.stores.gangs.look_at(anew).strays == (), "what the first one left is gone"
    with pytest.raises(LostOwnershipError):
        gangs(world).open(claim.job, member("node-0"))
    with pytest.raises(LostOwnershipError):
        world.stores.gangs.remove(gang)
    with pytest.raises(LostOwnershipError):
        world.backend.attempts.assembled(claim.job, claim.lease, ["node-0", "node-1"])


def test_terminating_a_held_job_ends_it_at_once(world: World) -> None:
    claim, _ = lead(world)
    assert world.manager.terminate(world.id()).state is State.FAILED
    with pytest.raises(LostOwnershipError):
        world.backend.attempts.assembled(claim.job, claim.lease, ["node-0", "node-1"])
    with pytest.raises(LostOwnershipError):
        world.backend.attempts.look(claim.lease)


def test_who_has_left_may_not_be_found_again(world: World) -> None:
    """A removed gang takes its members with it, and writing to it is refused."""
    _, gang = lead(world)
    joined = gangs(world).join(gang, member("node-1"))
    assert joined is not None
    world.stores.gangs.remove(joined)
    world.stores.gangs.remove(joined)  # twice is once
    assert world.stores.gangs.look(world.cluster).gangs == ()
    assert world.stores.gangs.look(world.cluster).strays == ()
    with pytest.raises(LostOwnershipError):
        world.stores.gangs.write_report(joined, joined.members[1])
    with pytest.raises(LostOwnershipError):
        world.stores.gangs.write(replace(joined, phase=Phase.ENDING, ending=Ending.DONE))
    assert gangs(world).join(gang, member("node-2")) is None


def test_the_sweeper_removes_what_nobody_looks_after(world: World) -> None:
    claim, gang = lead(world)
    gangs(world).join(gang, member("node-1"))
    assert world.backend.sweeper.sweep().gangs == 0, "its attempt is not over"
    world.finish(claim)
    assert gangs(world).of_job(claim.job) is not None, "its leader may still be at it"
    eventually(lambda: world.backend.sweeper.sweep().gangs == 1, 10, 0.3)
    look = world.stores.gangs.look(world.cluster)
    assert (look.gangs, look.strays) == ((), ())


def test_the_sweeper_removes_members_without_a_gang(world: World) -> None:
    _, gang = lead(world)
    joined = gangs(world).join(gang, member("node-1"))
    assert joined is not None
    # What a crash in the middle of a removal leaves.
    rows = world.backend.connection.tables.get_table_client(gang_table.TABLE)
    rows.delete_entity(row_keys.cluster_partition(world.cluster), gang_rows.gang_key(joined))
    assert len(world.stores.gangs.look(world.cluster).strays) == 2

    def swept() -> bool:
        world.backend.sweeper.sweep()
        return world.stores.gangs.look(world.cluster).strays == ()

    eventually(swept, 10, 0.3)


def test_the_sweeper_sends_no_second_message_for_a_held_job(world: World) -> None:
    claim, gang = lead(world, nodes=3)
    gangs(world).ask(gang, 60)
    a_job(world, "other", 2)
    lost = world.receive()
    assert lost
    world.stores.queues.delete(lost.queue, lost.message_id, lost.pop_receipt)

    def sent_again() -> int:
        world.backend.sweeper.sweep()
        return sum(e.kind is EventKind.MESSAGE_SENT_AGAIN for e in world.job("other").events)

    eventually(sent_again, world.settings.resend_seconds + 5, 0.5)
    assert sent_again() == 1
    assert world.job().events == claim.job.events


def test_a_held_job_whose_leader_and_message_are_gone_waits_again(world: World) -> None:
    claim, _ = lead(world, node="node-9")  # which has never reported
    lease = claim.lease
    world.stores.queues.delete(lease.queue, lease.message_id, lease.pop_receipt)
    world.backend.sweeper.sweep()
    assert world.job().held, "it may only be slow"

    def let_go() -> bool:
        world.backend.sweeper.sweep()
        return not world.job().held

    eventually(let_go, 3 * world.settings.lease_seconds + 5, 0.5)
    job = world.job()
    assert (job.owner, job.state, job.errors[0].code) == (None, State.QUEUED, "RunnerLost")
    assert world.messages() == 1
