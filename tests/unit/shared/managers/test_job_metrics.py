"""What jobs and clusters add to metrics, over storage in memory."""

from collections.abc import Iterator

import pytest

from shared.jobs.model import AttemptReport, Outcome, Reason
from shared.telemetry.names import Attribute, Metric
from tests.support.kept_metrics import KeptMetrics, kept_metrics
from tests.support.memory.world import MemoryWorld, memory_world
from tests.support.world import DONE


@pytest.fixture
def world() -> MemoryWorld:
    return memory_world()


@pytest.fixture
def kept() -> Iterator[KeptMetrics]:
    with kept_metrics() as made:
        yield made


def test_an_attempt_adds_its_wait_its_time_its_reason_and_its_gpus(
    world: MemoryWorld, kept: KeptMetrics
) -> None:
    world.accept()
    world.wait(7)
    claim = world.must_claim()
    world.wait(9)
    world.backend.attempts.finish(claim.job, claim.lease, DONE, AttemptReport(gpu_seconds=36.0))
    (waited,), (ran,) = kept.of(Metric.WAIT), kept.of(Metric.RUN)
    assert 7 <= waited < 9 and 9 <= ran < 11
    assert kept.by(Metric.ATTEMPTS, Attribute.REASON) == {"Succeeded": 1}
    assert kept.of(Metric.GPU_TIME) == [36.0]
    assert {about[Attribute.CLUSTER] for metric, _, about in kept.values} == {str(world.cluster)}


def test_a_second_attempt_waits_from_when_it_was_put_back(world: MemoryWorld, kept: KeptMetrics) -> None:
    world.accept()
    claim = world.must_claim()
    world.wait(30)
    world.finish(claim, Outcome(Reason.RUNNER_FAULT))
    world.wait(4)
    world.must_claim()
    assert kept.by(Metric.ATTEMPTS, Attribute.REASON) == {"RunnerFault": 1}
    assert kept.of(Metric.WAIT)[1] < 6


def test_a_lost_attempt_counts_once_and_not_after_its_lease(world: MemoryWorld, kept: KeptMetrics) -> None:
    world.accept()
    world.must_claim()
    world.wait(world.settings.lease_seconds + 100)
    world.must_claim("node-1")
    assert kept.by(Metric.ATTEMPTS, Attribute.REASON) == {"RunnerLost": 1}
    (ran,) = kept.of(Metric.RUN)
    assert 0 <= ran - world.settings.lease_seconds < 2


def test_a_sweep_shows_jobs_and_nodes_by_state_and_what_waits(world: MemoryWorld, kept: KeptMetrics) -> None:
    world.accept("first")
    world.wait(50)
    world.accept("second")
    world.must_claim()
    world.backend.sweeper.sweep()
    assert kept.by(Metric.JOBS, Attribute.STATE) == {"queued": 1, "running": 1, "terminating": 0}
    assert kept.of(Metric.QUEUE_LENGTH) == [1]
    (age,) = kept.of(Metric.QUEUE_AGE)
    assert 0 <= age < 50, "of the one that waits, which is the second"
    none = dict.fromkeys(("idle", "running", "preparing", "unusable", "leaving", "lost"), 0)
    assert kept.by(Metric.NODES, Attribute.NODE_STATE) == none


def test_an_empty_cluster_shows_zeros(world: MemoryWorld, kept: KeptMetrics) -> None:
    world.backend.sweeper.sweep()
    assert kept.by(Metric.JOBS, Attribute.STATE) == {"queued": 0, "running": 0, "terminating": 0}
    assert (kept.of(Metric.QUEUE_LENGTH), kept.of(Metric.QUEUE_AGE)) == ([0], [0])


def test_off_nothing_is_measured(world: MemoryWorld) -> None:
    with kept_metrics() as before:
        pass
    world.accept()
    world.finish(world.must_claim())
    world.backend.sweeper.sweep()
    assert not before.values
