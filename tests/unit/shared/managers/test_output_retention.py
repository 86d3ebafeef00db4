"""Files of jobs: which are removed and when, what stays, what it costs, and that it can end anywhere."""

from typing import Any

import pytest

from shared.environment.layout import path_segment
from shared.jobs.model import Job, Outcome, Reason, State
from shared.managers import output_retention
from shared.managers.job_removal import GIVE_UP_DAYS
from shared.stores.volumes import removal
from tests.support.memory.blobs import MemoryContainer
from tests.support.memory.many_days import DAY
from tests.support.memory.world import MemoryWorld, every_crash, memory_world
from tests.support.world import document

DAYS = 7.0
RESULTS = {"accountName": "acct", "containerName": "results", "relativeMountPath": "bfs"}
KEYED = RESULTS | {"credentials": {"accountKey": "a2V5"}}
ROOT = "$AZ_BATCHAI_JOB_MOUNT_ROOT/bfs"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> MemoryWorld:
    return made(monkeypatch)


def made(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> MemoryWorld:
    """A world whose jobs write into a container of the same account in memory."""
    world = memory_world(**{"keep_output_days": DAYS} | settings)
    world.account.blobs.create_container("results")
    mount(world, monkeypatch)
    return world


def mount(world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what removes files reach those of this world, and no longer another's."""
    monkeypatch.setattr(
        removal, "ContainerClient", lambda url, name, **_: MemoryContainer(world.account.blobs, name)
    )


def of_job(command: str = "true", prefix: str = ROOT) -> bytes:
    outputs = [{"id": "MODEL", "pathPrefix": f"{prefix}/deep", "pathSuffix": "model"}]
    volumes = {"azureBlobFileSystems": [KEYED]}
    return document(command, stdOutErrPathPrefix=prefix, mountVolumes=volumes, outputDirectories=outputs)


def files(world: MemoryWorld) -> set[str]:
    return set(world.account.blobs.of("results"))


def write(world: MemoryWorld, *paths: str) -> None:
    for path in paths:
        world.account.blobs.get_blob_client("results", path).upload_blob(b"x", overwrite=True)


def written(world: MemoryWorld, job: Job) -> set[str]:
    """What a run writes."""
    segment = path_segment(world.settings.scope, job.id, job.uuid)
    paths = {f"{segment}/stdouterr/stdout.txt", f"{segment}/stdouterr/execution.log"}
    paths |= {f"deep/{segment}/outputs/model/{name}" for name in ("a", "b/c", "b/d")}
    write(world, *paths)
    return paths


def run(world: MemoryWorld, name: str = "job", number: int = 0) -> Job:
    """A job from its submission to its end, with its files."""
    world.accept(name, of_job(f"echo {number}"), f"0x{name}{number}")
    job = world.finish(world.must_claim())
    written(world, job)
    return job


def cleared_in(world: MemoryWorld, count: int = 3) -> int:
    return sum(world.backend.keeping.outputs.turn() for _ in range(count))


def accepted(world: MemoryWorld) -> set[str]:
    found = world.account.blobs.of(world.settings.accepted_container)
    return {name.removesuffix(".json") for name in found if not name.startswith("cluster-")}


def test_off_nothing_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    world = made(monkeypatch, keep_output_days=0.0)
    run(world)
    world.clock.move(1000 * DAY)
    assert world.calls(lambda: cleared_in(world)) == []
    assert len(files(world)) == 5


def test_files_of_a_job_are_removed_so_long_after_its_end_and_all_else_stays(world: MemoryWorld) -> None:
    job = run(world)
    beside = {"deep/else", f"{path_segment(world.settings.scope, job.id, job.uuid)}x", "jobs/a"}
    write(world, *beside)
    world.clock.move((DAYS - 0.1) * DAY)
    assert cleared_in(world) == 0
    late = run(world, "late")
    world.clock.move(1.2 * DAY)
    assert cleared_in(world) == 1
    assert files(world) == beside | written(world, late)
    assert (world.job().state, world.status()["state"]) == (State.SUCCEEDED, "succeeded")


def test_what_has_been_removed_is_not_looked_at_again(world: MemoryWorld) -> None:
    run(world)
    world.clock.move((DAYS + 0.1) * DAY)
    assert cleared_in(world) == 1
    world.clock.move(DAY)
    calls = world.calls(lambda: cleared_in(world))
    assert [call.verb for call in calls] == ["list"], "the accepted documents, a page"


def test_of_a_live_job_nothing_is_removed_however_old(world: MemoryWorld) -> None:
    world.accept(data=of_job())
    claim = world.must_claim()
    kept = written(world, claim.job)
    world.clock.move(100 * DAY)
    assert cleared_in(world) == 0
    assert files(world) == kept


def test_of_a_name_that_is_used_again_only_the_earlier_run_is_due(world: MemoryWorld) -> None:
    first = run(world)
    world.clock.move((DAYS - 1) * DAY)
    second = run(world, number=1)
    assert first.uuid != second.uuid
    world.clock.move(1.5 * DAY)
    assert cleared_in(world) == 1
    assert files(world) == written(world, second)


def test_files_outlive_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """BATCHAI_KEEP_DAYS is shorter: what says where the files lie stays until they are gone."""
    world = made(monkeypatch, keep_days=2.0)
    job = run(world)
    world.clock.move(3 * DAY)
    assert world.backend.keeping.rows.turn() == 1
    assert (world.job_or_none(), accepted(world)) == (None, {job.uuid})
    world.clock.move(3 * DAY)
    assert sum(world.backend.keeping.jobless.turn() for _ in range(4)) == 0
    assert cleared_in(world) == 0 and len(files(world)) == 5
    world.clock.move(1.1 * DAY)
    assert cleared_in(world) == 1
    assert (files(world), accepted(world)) == (set(), set())


def test_files_of_a_job_that_somebody_deletes_are_removed_too(world: MemoryWorld) -> None:
    run(world)
    world.manager.delete(world.id())
    assert len(files(world)) == 5
    world.clock.move((DAYS + 0.1) * DAY)
    assert cleared_in(world) == 1
    assert (files(world), accepted(world)) == (set(), set())


def test_a_job_that_never_ran_leaves_nothing(world: MemoryWorld) -> None:
    world.accept(data=of_job())
    world.manager.delete(world.id())
    assert accepted(world) == set()


def test_where_rows_are_kept_longer_no_document_stays_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    world = made(monkeypatch, keep_days=DAYS + GIVE_UP_DAYS + 1)
    run(world)
    world.clock.move((DAYS + 0.1) * DAY)
    assert cleared_in(world) == 1
    world.clock.move((GIVE_UP_DAYS + 1) * DAY)
    assert world.backend.keeping.rows.turn() == 1
    assert accepted(world) == set()


def test_of_a_run_with_several_attempts_the_files_of_all_are_removed(world: MemoryWorld) -> None:
    world.accept(data=of_job(prefix=f"{ROOT}/$AZ_BATCHAI_ATTEMPT"))
    world.finish(world.must_claim(), Outcome(Reason.RUNNER_FAULT))
    world.clock.move(600)
    assert world.finish(world.must_claim()).attempt == 2
    segment = path_segment(world.settings.scope, world.id(), world.job().uuid)
    write(world, f"1/{segment}/stdouterr/stdout.txt", f"2/{segment}/stdouterr/stdout.txt")
    world.clock.move((DAYS + 0.1) * DAY)
    assert cleared_in(world) == 1
    assert files(world) == set()


def test_what_another_run_wrote_into_this_ones_folder_stays(world: MemoryWorld) -> None:
    """A job may name the folder of an earlier one as its prefix."""
    first = run(world)
    segment = path_segment(world.settings.scope, first.id, first.uuid)
    world.clock.move((DAYS + 0.1) * DAY)
    world.accept("inner", of_job(prefix=f"{ROOT}/{segment}/outputs"), "0xinner")
    inner = world.must_claim().job
    own = f"{segment}/outputs/{path_segment(world.settings.scope, inner.id, inner.uuid)}/stdouterr/stdout.txt"
    write(world, own)
    assert cleared_in(world) == 1
    assert files(world) == {own}


def test_a_turn_is_bounded_and_the_next_one_continues(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_retention, "_MOST_REMOVED", 2)
    run(world)
    world.clock.move((DAYS + 0.1) * DAY)
    left = []
    while files(world):
        world.backend.keeping.outputs.turn()
        left.append(len(files(world)))
    assert left == [3, 2, 1, 0], "the marker of a folder counts, whether it is there or not"
    assert cleared_in(world) == 1


def test_what_it_costs(world: MemoryWorld) -> None:
    """A run: three calls to know what it is, two listings and a call for each file, two markers, one mark."""
    run(world)
    run(world, "kept")
    world.clock.move((DAYS + 0.1) * DAY)
    written(world, run(world, "later", 3))
    calls = world.calls(lambda: world.backend.keeping.outputs.turn())
    per_run = ["get", "get", "get", "list", "delete", "delete", "delete", "list", *["delete"] * 4, "metadata"]
    assert [call.verb for call in calls] == ["list", *per_run, *per_run]
    world.clock.move(3600)
    assert world.calls(lambda: cleared_in(world, 10)) == [], "once a day"


def test_a_process_may_end_at_any_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next process does the rest, and what was to stay is whole."""

    prepared = made(monkeypatch, keep_days=2.0)
    run(prepared, "twice")
    run(prepared, "twice", 1)
    run(prepared, "deleted", 2)
    prepared.manager.delete(prepared.id("deleted"))
    prepared.clock.move((DAYS + 0.1) * DAY)
    kept = written(prepared, run(prepared, "kept", 3))

    def all_turns(world: MemoryWorld) -> None:
        mount(world, monkeypatch)
        for _ in range(4):
            world.backend.keeping.turn()

    left = every_crash(lambda: prepared, all_turns)
    for world, where in left:
        all_turns(world)
        world.clock.move(DAY + 1)
        all_turns(world)
        assert files(world) == kept, where
        assert accepted(world) == {world.job("kept").uuid}, where
    assert len(left) > 20


def test_what_cannot_be_removed_is_tried_again_for_a_week(world: MemoryWorld) -> None:
    job = run(world)
    other = run(world, "other")
    held = f"{path_segment(world.settings.scope, job.id, job.uuid)}/stdouterr/stdout.txt"
    world.account.blobs.get_blob_client("results", held).acquire_lease()
    world.clock.move((DAYS + 0.1) * DAY)
    assert cleared_in(world) == 1, "it keeps nobody from the others"
    assert not [path for path in files(world) if other.uuid in path]
    tried = []
    for _ in range(int(GIVE_UP_DAYS) + 2):
        world.clock.move(DAY)
        tried.append(len(world.calls(lambda: cleared_in(world))) > 1)
    assert tried == [True] * int(GIVE_UP_DAYS) + [False, False]
    assert held in files(world)
