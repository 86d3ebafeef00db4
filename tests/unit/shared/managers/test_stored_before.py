"""What the code of commit 1feba0d (before the modules moved) has stored is read and gone on with.

tests/data/stored_by_1feba0d.json was written by that code into Azurite, and is changed by nobody.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.documents.secret_references import secret_values
from shared.jobs.events import EventKind
from shared.jobs.gang import Phase
from shared.jobs.model import State
from shared.names.ids import JobId
from shared.stores.workspace_table import Kind
from tests.support.memory.stored import load
from tests.support.memory.world import MemoryWorld

STORED = Path(__file__).parents[3] / "data/stored_by_1feba0d.json"


@pytest.fixture
def world() -> MemoryWorld:
    made = MemoryWorld(workspace="before")
    load(made.account, STORED)
    return made


def test_who_submitted_the_jobs_of_then_nobody_knows(world: MemoryWorld) -> None:
    [use] = world.backend.usage.of("before", "user", datetime(2020, 1, 1, tzinfo=UTC))
    assert use.name == "unknown" and use.jobs > 1
    world.finish(world.must_claim())
    assert world.job("queued").submitted_by == ""


def test_a_queued_job_of_then_is_claimed_and_finished(world: MemoryWorld) -> None:
    claim = world.must_claim()
    assert claim.job.id == JobId("before", "exp", "queued")
    assert secret_values(claim.spec) == {"of-the-job"}, "the sealed document opens"
    assert world.finish(claim).state is State.SUCCEEDED
    assert world.status("queued")["state"] == "succeeded"


def test_a_running_job_of_then_continues_once_its_lease_is_over(world: MemoryWorld) -> None:
    assert world.job("running").owner == "node-1"
    assert world.must_claim().job.id.job == "queued"
    assert world.claim() is None, "its lease holds"
    world.clock.move(61)
    for _ in range(5):
        world.claim("node-7")
        world.clock.move(1)
    running = world.job("running")
    assert (running.attempt, running.owner) == (2, "node-7")
    lost = [event for event in running.events if event.kind is EventKind.RUNNER_LOST]
    assert "stdout.txt 5 bytes" in lost[0].detail, "what its message said of the logs"


def test_an_ended_job_of_then_is_shown_with_its_history(world: MemoryWorld) -> None:
    first, second = world.manager.runs(world.id("ended"))
    assert (first.state, first.exit_code, first.errors[0].code) == (State.FAILED, 3, "JobFailed")
    assert (second.state, second.attempt, second.gpu_seconds) == (State.SUCCEEDED, 2, 7.5)
    assert second.seals[0].size == 12
    assert second.events[0].kind is EventKind.CLAIMED
    assert world.status("ended")["state"] == "succeeded"


def test_a_cluster_of_then_and_its_nodes(world: MemoryWorld) -> None:
    row = world.backend.clusters.get(world.cluster)
    assert secret_values(world.backend.clusters.spec(row.revision)) == {"of-the-cluster", "bm90LWEta2V5"}
    views = world.backend.clusters.node_views(world.cluster)
    assert [(view.node_id, view.state) for view in views] == [("node-0", "idle"), ("node-1", "running")]
    live = world.manager.live(world.cluster)
    assert [entry.id.job for entry in live] == ["running", "gang", "queued"]


def test_a_gang_of_then_is_complete_and_its_job_runs(world: MemoryWorld) -> None:
    held = world.job("gang")
    gang = world.backend.gangs.of_job(held)
    assert held.held and gang is not None
    assert [member.token for member in gang.members] == ["token-0", "token-1"]
    assert gang.members[0].ports == (2222, 2223)
    assert world.backend.gangs.write(gang).phase is Phase.ASSEMBLING
    assert world.manager.gathered(held) == ["node-0", "node-1"]


def test_workspaces_of_then_and_a_deletion_that_was_begun(world: MemoryWorld) -> None:
    workspaces = world.backend.workspaces
    assert workspaces.workspace("before").detail["tags"] == {"team": "ml"}
    assert workspaces.file_server("before", "nfs").detail == {"vmSize": "STANDARD_D1"}
    assert workspaces.find(Kind.EXPERIMENT, "before", "leaving") is not None
    world.backend.cascading_deletion.resume()
    assert workspaces.find(Kind.EXPERIMENT, "before", "leaving") is None
    assert workspaces.deletions() == []
