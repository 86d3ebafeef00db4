"""bench.scale_model: the arithmetic of its limits, and that a job's steps are those of the code."""

from bench.scale_model import PARTITION, Case, Limit, Profile, Simulation, mixed, nothing, profile


def _run(runners: int, workspaces: int, jobs: int, steps: Profile) -> float:
    outcome = Simulation(Case(runners, jobs, workspaces, nothing), steps).run()
    assert len(outcome.ended) == len(outcome.waits) == jobs
    assert min(outcome.waits) >= 0
    assert all(share <= 1.01 for share in outcome.shares.values())
    return jobs / outcome.seconds


def test_a_limit_serves_at_its_rate_and_in_turn() -> None:
    limit = Limit(10.0)
    assert [limit.take(0.0, 5), limit.take(0.0, 5), limit.take(3.0, 1)] == [0.5, 1.0, 3.1]


def test_the_partition_of_a_workspace_breaks_first_and_ten_workspaces_go_further() -> None:
    steps = profile()
    assert steps.submit.total <= 5  # what a document may cost at its acceptance
    assert steps.entities == 8  # shared/stores/job_entries.py
    one = _run(1000, 1, 4000, steps)
    assert 0.9 * PARTITION / steps.entities < one < 1.001 * PARTITION / steps.entities
    assert _run(1000, 10, 4000, steps) > 3 * one
    assert _run(10, 1, 400, steps) < 0.3 * one


def test_the_same_seed_gives_the_same_month() -> None:
    steps, case = profile(), Case(20, 300, 1, mixed)
    first, second = Simulation(case, steps).run(), Simulation(case, steps).run()
    assert (first.waits, first.ended) == (second.waits, second.ended)
