"""Deletions that the timer carries on while somebody else, a client that polls, does the same."""

import logging
from collections.abc import Callable

import pytest

from shared.backend import backend
from shared.errors import StoreError
from shared.managers import cascading_deletion
from shared.managers.job_removal import deletion_of as deletion_of_job
from shared.names.ids import PRIORITIES, queue_name
from shared.stores.connection import CallCounter
from tests.support.waiting import eventually
from tests.support.world import CLUSTER, World, document


class Interruption(CallCounter):
    """Does something before one of the storage calls that write."""

    def __init__(self, before: int, act: Callable[[], object]) -> None:
        super().__init__()
        self._left, self._act = before, act
        self.happened = False

    def add(self, method: str, service: str) -> None:
        super().add(method, service)
        self._left -= method != "GET"
        if self._left == 0:
            self.happened = True
            self._act()


def job(world: World) -> None:
    """A job that ran twice, whose deletion was noted by a process that went away."""
    for number in range(2):
        world.accept(data=document(f"echo {number}"), etag=f"0x{number}")
        world.finish(world.must_claim())
    world.stores.workspaces.begin_deletion(deletion_of_job(world.job()))


def cluster(world: World) -> None:
    world.accept()
    world.backend.cluster_manager.begin_deletion(world.cluster)


def is_over(world: World, make: Callable[[World], None]) -> bool:
    if make is cluster:
        return world.stores.clusters.get(world.cluster) is None
    return world.stores.jobs.get(world.id()) is None


@pytest.mark.parametrize("make", [job, cluster])
def test_nothing_is_stuck_where_somebody_else_has_finished_it(
    world: World,
    make: Callable[[World], None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At whatever write the other one comes in between, until there is no such write any more. Of a whole
    workspace: tests/unit/shared/managers/test_crossed_deletions.py."""
    # Otherwise a cluster's deletion stays noted for a minute after its end.
    monkeypatch.setattr(cascading_deletion, "_SEEN_SECONDS", -1.0)
    caplog.set_level(logging.INFO, "shared")
    other = world.backend.cascading_deletion
    for before in range(1, 60):
        if world.stores.clusters.get(world.cluster) is None:
            world.create_cluster()
        other.resume()
        make(world)
        interruption = Interruption(before, other.resume)
        late = backend(world.settings, interruption, world.clock)
        try:
            late.cascading_deletion.resume()
        finally:
            late.close()
        assert is_over(world, make), before
        stuck = [r for r in caplog.records if r.levelno > logging.INFO or r.exc_info]
        assert not stuck, (before, [(r.getMessage(), r.exc_text) for r in stuck])
        if not interruption.happened:
            break
    assert before > 2 and not interruption.happened


def test_a_deletion_that_fails_is_reported_without_a_traceback_and_louder_when_it_lasts(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    job(world)
    monkeypatch.setattr(world.manager, "delete", refuse)
    for long_seconds, level, words in (
        (600.0, "WARNING", "continues with the next turn"),
        (-1.0, "ERROR", "stuck for 0 min"),
    ):
        monkeypatch.setattr(cascading_deletion, "_LONG_SECONDS", long_seconds)
        caplog.clear()
        world.backend.cascading_deletion.resume()
        (record,) = [r for r in caplog.records if world.settings.default_workspace in r.getMessage()]
        assert record.levelname == level and words in record.getMessage() and not record.exc_info
        assert "storage is away" in record.getMessage()


def refuse(job: object) -> None:
    raise StoreError("storage is away")


def test_nothing_is_left_of_a_workspace_that_was_deleted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, accepted documents of jobs and of every revision of a cluster, queues."""
    monkeypatch.setattr(cascading_deletion, "_SEEN_SECONDS", -1.0)
    before = set(world.backend.documents.list_accepted())
    world.create_cluster(CLUSTER | {"properties": CLUSTER["properties"] | {"vmSize": "STANDARD_D2"}})
    world.accept()
    world.finish(world.must_claim())
    made = set(world.backend.documents.list_accepted()) - before
    assert len(made) == 2 and any(name.startswith("cluster-") for name in made)
    revisions = {n for n in world.backend.documents.list_accepted() if n.startswith("cluster-")}
    world.backend.cascading_deletion.delete_workspace(world.settings.default_workspace)
    eventually(lambda: world.backend.cascading_deletion.resume() == 0, 20, 0.2)
    after = set(world.backend.documents.list_accepted())
    assert not made & after
    assert len(revisions - after) == 2
    queues = {queue.name for queue in world.backend.connection.queues.list_queues()}
    assert not queues & {queue_name(world.cluster, priority) for priority in PRIORITIES}
