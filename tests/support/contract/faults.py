"""What the stores make of faults on the wire: 412, 409, throttling, an answer that is lost."""

from dataclasses import replace

import pytest

from shared.errors import BeingRemovedError, ConflictError, LostOwnershipError, StoreError
from shared.stores.node_table import NodeRow
from tests.support.contract.jobs import a_row, jobs_of
from tests.support.contract.wires import FaultyStorage


def test_a_transaction_that_is_repeated_finds_itself(faulty: FaultyStorage) -> None:
    """The row is there, and whoever asked hears that it is not as it was read: it looks, and knows it."""
    world, table = faulty.world, jobs_of(faulty.world)
    faulty.lose_answer_of_next_write("table")
    with pytest.raises(ConflictError):
        table.insert(a_row(world))
    job = table.get(world.id())
    assert job is not None
    faulty.lose_answer_of_next_write("table")
    with pytest.raises(LostOwnershipError):
        table.update(replace(job, attempt=1))
    found = table.get(world.id())
    assert found is not None and (found.attempt, found.etag != job.etag) == (1, True)
    faulty.lose_answer_of_next_write("table")
    with pytest.raises(LostOwnershipError):
        table.prolong(found, 30)
    faulty.lose_answer_of_next_write("table")
    latest = table.get(world.id())
    assert latest is not None and latest.lease_seconds == 30
    table.delete(latest)
    assert table.get(world.id()) is None


def test_a_removal_that_is_repeated_is_fine(faulty: FaultyStorage) -> None:
    nodes, cluster = faulty.world.stores.nodes, faulty.world.cluster
    node = NodeRow(cluster, "node-0", "idle", 0)
    nodes.report(node)
    faulty.lose_answer_of_next_write("table")
    nodes.forget(node)
    documents, place = faulty.world.backend.documents, faulty.world.place()
    documents.put_dropped(place, {})
    faulty.lose_answer_of_next_write("blob")
    documents.delete_dropped(place)
    assert documents.read_dropped(place) is None


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (412, "UpdateConditionNotSatisfied", LostOwnershipError),
        (409, "EntityAlreadyExists", ConflictError),
        (409, "TableBeingDeleted", BeingRemovedError),
        (403, "AuthorizationFailure", StoreError),
    ],
)
def test_a_refusal_has_its_name(
    faulty: FaultyStorage, status: int, code: str, error: type[Exception]
) -> None:
    table, node = faulty.world.stores.nodes, NodeRow(faulty.world.cluster, "node-0", "idle", 0)
    faulty.refuse_next_write("table", status, code)
    with pytest.raises(error) as raised:
        table.report(node)
    assert type(raised.value) is error
    assert table.node(faulty.world.cluster, "node-0") is None, "nothing was written"
    table.report(node)


def test_storage_that_is_busy_is_a_store_error_and_nothing_else(faulty: FaultyStorage) -> None:
    table = jobs_of(faulty.world)
    faulty.throttle("table")
    with pytest.raises(StoreError, match="503") as raised:
        table.get(faulty.world.id())
    assert type(raised.value) is StoreError
    faulty.heal()
    assert table.get(faulty.world.id()) is None
