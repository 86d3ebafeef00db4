"""The queues."""

from dataclasses import replace

import pytest

from shared.errors import LostOwnershipError, NotFoundError, StoreError
from shared.jobs.model import StreamSeal
from shared.names.ids import ClusterId
from shared.stores.job_queues import JobQueues
from tests.support.contract.jobs import a_row
from tests.support.world import World


def queues_of(world: World) -> JobQueues:
    return world.stores.queues


def test_a_message_says_which_run_and_no_more(world: World) -> None:
    job = a_row(world, "job", priority="high", attempt=2)
    queues_of(world).send(job)
    message = queues_of(world).receive(world.queue("high"), 30)
    assert message is not None
    assert (message.job, message.uuid, message.attempt, message.dequeue_count) == (job.id, job.uuid, 2, 1)
    assert queues_of(world).receive(world.queue("high"), 30) is None, "it is hidden"
    assert queues_of(world).receive(world.queue("low"), 30) is None


def test_each_renewal_makes_the_earlier_receipt_worthless(world: World) -> None:
    queues, queue = queues_of(world), world.queue()
    queues.send(a_row(world))
    message = queues.receive(queue, 30)
    assert message is not None
    renewed = queues.renew(queue, message.message_id, message.pop_receipt, 30)
    with pytest.raises(LostOwnershipError):
        queues.renew(queue, message.message_id, message.pop_receipt, 30)
    with pytest.raises(LostOwnershipError):
        queues.delete(queue, message.message_id, message.pop_receipt)
    queues.renew(queue, message.message_id, renewed, 0)
    again = queues.receive(queue, 30)
    assert again is not None
    assert (again.message_id, again.dequeue_count) == (message.message_id, 2)
    with pytest.raises(LostOwnershipError):
        queues.delete(queue, message.message_id, renewed)
    queues.delete(queue, again.message_id, again.pop_receipt)
    with pytest.raises(LostOwnershipError):
        queues.delete(queue, again.message_id, again.pop_receipt)


def test_queues_are_made_once_and_again(world: World) -> None:
    queues_of(world).provision(world.cluster)
    assert queues_of(world).count(world.cluster) == 0


def test_a_queue_that_is_missing_is_a_store_error(world: World) -> None:
    with pytest.raises(StoreError):
        queues_of(world).receive("jobs-nobody-made-this-one", 30)


def test_a_message_comes_back_once_its_time_is_up_with_what_was_left_in_it(world: World) -> None:
    queues = queues_of(world)
    queues.send(a_row(world))
    first = queues.receive(world.queue(), 30)
    assert first is not None
    queues.put_back(first, 1)
    with pytest.raises(LostOwnershipError):
        queues.put_back(first, 1)
    assert queues.receive(world.queue(), 30) is None
    world.wait(1.1)
    again = queues.receive(world.queue(), 1)
    assert again is not None
    assert (again.excused, again.suspected, again.dequeue_count) == (1, 0, 2)
    suspected = queues.suspect(again, 1)
    world.wait(1.1)
    third = queues.receive(world.queue(), 30)
    assert third is not None and (third.suspected, third.dequeue_count) == (1, 3)
    with pytest.raises(LostOwnershipError):
        queues.delete(world.queue(), suspected.message_id, suspected.pop_receipt)


def test_an_expired_receipt_is_good_until_somebody_else_receives(world: World) -> None:
    queues = queues_of(world)
    queues.send(a_row(world))
    held = queues.receive(world.queue(), 1)
    assert held is not None
    world.wait(1.1)
    receipt = queues.renew(world.queue(), held.message_id, held.pop_receipt, 30)
    assert queues.receive(world.queue(), 30) is None
    queues.delete(world.queue(), held.message_id, receipt)


def test_a_message_that_is_sent_hidden_is_seen_later_and_counted_at_once(world: World) -> None:
    queues = queues_of(world)
    message_id, receipt = queues.send(a_row(world), 1, (StreamSeal("stdout.txt", 5, "", False, 1),))
    assert (queues.receive(world.queue(), 30), queues.count(world.cluster)) == (None, 1)
    world.wait(1.1)
    seen = queues.receive(world.queue(), 30)
    assert seen is not None and seen.message_id == message_id and seen.pop_receipt != receipt
    assert seen.last_heard == (StreamSeal("stdout.txt", 5, "", False, 1),)


def test_first_in_first_out(world: World) -> None:
    queues = queues_of(world)
    for name in ("a", "b", "c"):
        queues.send(a_row(world, name))
    found = [queues.receive(world.queue(), 30) for _ in range(3)]
    assert [message.uuid for message in found if message] == ["uuid-of-a", "uuid-of-b", "uuid-of-c"]


def test_hints_vanish(world: World) -> None:
    queues = queues_of(world)
    queues.send_hints(world.cluster, 2, 1)
    hint = queues.receive(world.queue("high"), 30)
    assert hint is not None and (hint.hint, hint.job) == (world.cluster, None)
    world.wait(1.1)
    assert queues.receive(world.queue("high"), 30) is None


def test_queues_go_with_their_messages(world: World) -> None:
    queues = queues_of(world)
    cluster = replace(world.cluster, cluster="leaving")
    queues.provision(cluster)
    job = replace(a_row(world), cluster=cluster)
    queues.send(job)
    queues.remove(cluster)
    queues.remove(cluster)
    with pytest.raises(NotFoundError):
        queues.send(job)
    with pytest.raises(StoreError):
        queues.count(ClusterId(cluster.workspace, "never-made"))
