"""What requests cost: storage calls, counted."""

from collections import Counter

from shared.managers.admission import Source
from shared.names.ids import JobId
from tests.support.world import World, document


def test_a_dropped_job_in_a_warm_process_costs_no_call_for_its_workspace_and_experiment(world: World) -> None:
    world.accept("first")
    world.finish(world.must_claim())
    world.counter.reset()
    world.accept("second")
    world.finish(world.must_claim())
    counts = world.counter.snapshot()
    print(dict(counts))
    assert sum(counts.values()) <= 12, counts


def test_a_first_drop_looks_for_its_workspace_and_experiment_once(world: World) -> None:
    world.accept("first")
    world.counter.reset()
    world.accept("second")
    warm = world.counter.snapshot()
    world.counter.reset()
    job = JobId(world.settings.default_workspace, "another", "job")
    world.manager.submit(job, document(), Source(f"jobs/{job}/job.json", "0x1"))
    cold = world.counter.snapshot()
    assert cold - warm == Counter({"GET table": 2, "POST table": 1})
