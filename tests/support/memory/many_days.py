"""An installation over many days: jobs end, some under names used before, some drops are refused, and the
timer has its turns."""

from collections import Counter
from dataclasses import dataclass

from shared.backend import TABLES
from shared.managers.admission import Source
from tests.support.memory.world import MemoryWorld, memory_world
from tests.support.world import document

DAY = 86_400.0
#: Every so many jobs take a name that was used before; so many drops are refused.
_REUSED, _REFUSED = 10, 25


@dataclass(frozen=True)
class Held:
    """What storage holds."""

    rows: int  #: of the table of jobs
    others: int  #: rows of the other tables
    blobs: int
    messages: int


def held(world: MemoryWorld) -> Held:
    tables = Counter({t: len(list(world.account.tables.get_table_client(t).list_entities())) for t in TABLES})
    settings = world.settings
    containers = (settings.jobs_container, settings.clusters_container, settings.accepted_container)
    blobs = sum(len(world.account.blobs.of(name)) for name in containers)
    messages = sum(len(queue) for queue in world.account.queues.queues.values())
    return Held(tables.pop("jobs"), tables.total(), blobs, messages)


def many_days(world: MemoryWorld, days: int, jobs_a_day: int) -> list[Held]:
    """What is held at the end of each day."""
    each = []
    for day in range(days):
        for number in range(day * jobs_a_day, (day + 1) * jobs_a_day):
            if number % _REFUSED == 0:
                _drop(world, f"bad-{number}", b"{}")
            name = f"name-{number % 7}" if number % _REUSED == 0 else f"job-{number}"
            _drop(world, name, document(f"echo {number}"))
            world.finish(world.must_claim())
        turns(world)
        world.clock.move(DAY)
        each.append(held(world))
    return each


def turns(world: MemoryWorld) -> None:
    """The timer's, a minute apart, until nothing is left to do."""
    world.clock.move(3600)
    while world.backend.keeping.turn() + world.backend.keeping.jobless.turn():
        world.clock.move(60)


def _drop(world: MemoryWorld, name: str, data: bytes) -> None:
    path = f"{world.id(name)}/job.json"
    client = world.backend.connection.blobs.get_blob_client(world.settings.jobs_container, path)
    client.upload_blob(data, overwrite=True)
    etag = str(client.get_blob_properties().etag).strip('"')
    world.manager.submit(world.id(name), data, Source(world.place(name), etag))


def world_that_keeps(days: float) -> MemoryWorld:
    """With what stays for ever: its workspace, its experiment, its cluster."""
    world = memory_world(keep_days=days, keep_output_days=days)
    world.backend.workspaces.ensure("ws", "exp")
    return world
