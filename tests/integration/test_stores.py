"""What only a real Azurite shows of the stores; what they promise is in tests/support/contract."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.azurite import Endpoints
from shared.errors import LostOwnershipError, StoreError
from shared.jobs import transitions
from shared.names.ids import JobId
from shared.settings import Settings
from shared.stores.connection import Connection
from shared.stores.job_queues import JobQueues
from shared.stores.job_table import JobTable
from tests.support.contract.jobs import a_row, jobs_of
from tests.support.jobs import after
from tests.support.wire import WiredStorage
from tests.support.world import World, settings_for
from tests.support.world import world as open_world


def test_eight_writers_of_one_row_and_one_wins(world: World) -> None:
    job = jobs_of(world).insert(a_row(world))
    start = threading.Barrier(8)

    def write(number: int) -> str:
        start.wait()
        try:
            jobs_of(world).update(transitions.claim(job, f"node-{number}", f"m-{number}", after(1)))
        except LostOwnershipError:
            return "lost"
        return f"node-{number}"

    with ThreadPoolExecutor(8) as pool:
        results = Counter(pool.map(write, range(8)))
    assert results["lost"] == 7
    found = jobs_of(world).get(job.id)
    assert found is not None
    assert results[str(found.owner)] == 1


def test_as_many_jobs_as_a_caller_likes_can_be_asked_for(azurite: Endpoints, installation: str) -> None:
    """The service refuses pages of more than 1000; Azurite does not, so the request itself is looked at."""
    with WiredStorage(azurite) as wires, open_world(settings_for(wires.connection_string)) as world:
        jobs_of(world).insert(a_row(world))
        assert len(jobs_of(world).list_jobs(world.cluster.workspace, "exp", most=1001)) == 1
        asked = [path for _, path in wires.table.seen if "top" in path]
    assert asked
    assert all("top=1000" in path for path in asked)


def queues_of(world: World) -> JobQueues:
    return world.stores.queues


def test_messages_never_expire(world: World) -> None:
    queues_of(world).send(a_row(world))
    peeked = world.stores.queue(world.queue()).peek_messages()
    assert peeked[0].expires_on is not None and peeked[0].expires_on.year == 9999


def test_storage_that_cannot_be_reached_is_a_store_error() -> None:
    text = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:9/a;"
    connection = Connection(Settings(storage=text))
    connection.__dict__["tables"] = connection.tables.__class__.from_connection_string(text, retry_total=0)
    try:
        with pytest.raises(StoreError, match="could not be reached"):
            JobTable(connection).get(JobId("w", "e", "j"))
    finally:
        connection.close()
