"""Retention and limits on the storage services: their filters, their listings, their conditions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import azurite
from shared.backend import provision
from shared.managers.admission import Source
from shared.names.limits import WAIT, Limit, Limits
from shared.stores import job_table
from tests.support.world import World, document, settings_for
from tests.support.world import world as open_world

_KEEP_SECONDS = 2.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """On an Azurite of its own: what other tests have left ended long ago, too."""
    child, endpoints = azurite.start(tmp_path / "azurite.log")
    try:
        limits = Limits(WAIT, {}, {"*": Limit(live_jobs=1)})
        keep_days = _KEEP_SECONDS / 86_400
        settings = settings_for(endpoints.connection_string, keep_days=keep_days, limits=limits)
        provision(settings)
        with open_world(settings) as made:
            yield made
    finally:
        child.stop()


def run(world: World, name: str, text: str) -> None:
    path = f"{world.id(name)}/job.json"
    client = world.backend.connection.blobs.get_blob_client(world.settings.jobs_container, path)
    answer = client.upload_blob(document(f"echo {text}"), overwrite=True)
    world.accept(name, document(f"echo {text}"), str(answer["etag"]).strip('"'))
    world.finish(world.must_claim())


def test_what_ended_long_ago_is_removed_and_what_lives_stays(world: World) -> None:
    """Two runs of a name, a refused drop, a job that waits for a limit: 3 seconds."""
    run(world, "twice", "1")
    run(world, "twice", "2")
    refused = f"{world.settings.jobs_container}/{world.id('bad')}/job.json"
    world.backend.documents.put_dropped(refused, {})
    _, etag = world.backend.documents.read_dropped(refused) or (b"", "")
    world.manager.submit(world.id("bad"), b"{}", Source(refused, etag.strip('"')))
    world.accept("first")
    world.accept("second")
    assert (world.messages(), world.job("second").withheld != "") == (1, True)
    world.clock.move(_KEEP_SECONDS + 1)
    world.wait(_KEEP_SECONDS + 1)
    assert world.backend.keeping.rows.turn() == 2
    assert [world.backend.keeping.jobless.turn() for _ in range(2)] == [2, 0]
    table = world.backend.connection.tables.get_table_client(job_table.TABLE)
    keys = [str(entity["RowKey"]) for entity in table.list_entities()]
    assert sorted({key.split("|")[0] for key in keys}) == ["job", "live", "time"] and len(keys) == 6
    blobs = world.backend.connection.blobs.get_container_client(world.settings.jobs_container)
    assert sorted(blobs.list_blob_names()) == [f"{world.id(n)}/status.json" for n in ("first", "second")]
    world.finish(world.must_claim())
    assert world.backend.sweeper.sweep().let_go == 1
    assert world.must_claim().job.id.job == "second"
