"""A crash between any two steps of submit: the next delivery, or the sweeper, does the rest.

The crash is played by taking away what the crashed process would not have written.
"""

from shared.jobs.model import Job, State
from tests.support.waiting import eventually
from tests.support.world import World


def lose_messages(world: World) -> None:
    """What is left when the process died between row and message."""
    world.stores.queue(world.queue()).clear_messages()


def lose_row(world: World, job: Job) -> None:
    """What is left when the process died between accepted document and row."""
    lose_messages(world)
    table = world.backend.connection.tables.get_table_client("jobs")
    for entity in table.query_entities("PartitionKey eq @p", parameters={"p": job.id.workspace.lower()}):
        table.delete_entity(entity)


def lose_status(world: World) -> None:
    container = world.backend.connection.blobs.get_container_client(world.settings.jobs_container)
    container.delete_blob(f"{world.id()}/status.json")


def test_accepted_document_without_a_row(world: World) -> None:
    first = world.accept()
    lose_row(world, first)
    lose_status(world)
    again = world.accept()
    assert again.uuid == first.uuid, "the same drop is the same run"
    assert world.must_claim().job.uuid == first.uuid
    assert world.status()["uuid"] == first.uuid


def test_row_without_a_message_healed_by_redelivery(world: World) -> None:
    first = world.accept()
    lose_messages(world)
    assert world.accept().uuid == first.uuid
    assert world.must_claim().job.uuid == first.uuid


def test_row_without_a_message_healed_by_the_sweeper(world: World) -> None:
    first = world.accept()
    lose_messages(world)
    assert world.backend.sweeper.sweep().faults == 0
    assert world.messages() == 0, "it is not late yet"

    def sent_again() -> bool:
        world.backend.sweeper.sweep()
        return world.messages() == 1

    eventually(sent_again, world.settings.resend_seconds + 5, 0.5)
    world.backend.sweeper.sweep()
    assert world.messages() == 1, "once is enough"
    assert world.must_claim().job.uuid == first.uuid


def test_message_without_a_status(world: World) -> None:
    first = world.accept()
    lose_status(world)
    assert world.accept().uuid == first.uuid
    assert world.status()["state"] == "queued"
    claim = world.must_claim()
    assert world.claim() is None
    assert world.finish(claim).state is State.SUCCEEDED


def test_message_without_a_status_and_without_redelivery(world: World) -> None:
    world.accept()
    lose_status(world)
    world.finish(world.must_claim())
    assert world.status()["state"] == "succeeded"
