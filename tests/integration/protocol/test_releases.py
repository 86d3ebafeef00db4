"""A node is released in the very moment in which its runner claims a job, on the real storage service."""

import threading

from shared.jobs.model import State
from shared.managers.claims import Claim
from shared.managers.live_jobs import queued
from shared.scaling.decision import decide
from shared.scaling.demand import Wish
from shared.scaling.fleet import ScalingDelays
from shared.scaling.pools import Machine, Pool
from shared.scaling.state import ScalingState
from shared.stores.node_table import NodeRow
from tests.support.world import World

_TIMES = 100


class Race:
    """One node, one job, and the two who are after them."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.node, self.job = world, f"p_{number}", f"job{number}"
        self.claim: Claim | None = None
        self._together = threading.Barrier(2)

    def report(self, state: str, job: str = "", left: bool = False) -> None:
        row = NodeRow(self.world.cluster, self.node, state, 1, job=job, left=left, state_seconds=900.0)
        self.world.backend.nodes.report(row)

    def run(self) -> bool:
        """The scaler marks the node while its runner works; whether its machine might go just then."""
        runner = threading.Thread(target=self._work)
        runner.start()
        self._together.wait()
        self.world.backend.nodes.release(self.world.cluster, self.node)
        early = self.may_go()
        runner.join()
        return early

    def _work(self) -> None:
        """What a runner does: look whether it may stay, claim, report it; or leave."""
        self._together.wait()
        found = self.world.backend.nodes.node(self.world.cluster, self.node)
        if found and not found[0].drain:
            self.claim = self.world.claim(self.node)
        if self.claim:
            self.report("running", self.claim.job.uuid)
        else:
            self.report("leaving", left=True)

    def may_go(self) -> bool:
        """Whether the machine would be deleted by what storage says now."""
        row = self.world.backend.clusters.get(self.world.cluster)
        nodes, now = self.world.backend.clusters.look_at(row)
        views = [view for view in nodes if view.node_id == self.node]
        wish, pool = Wish(0, 1, "nothing waits"), Pool("p", "c", 1, (Machine(self.node),))
        jobs = queued(self.world.manager.live(self.world.cluster))
        return bool(decide(wish, jobs, views, pool, ScalingState(), now, ScalingDelays()).delete)

    def clear(self) -> None:
        """The job ends, here or elsewhere, and the node leaves."""
        self.world.finish(self.claim or self.world.must_claim("another"))
        self.report("leaving", left=True)
        assert self.may_go(), "nothing keeps it now"
        found = self.world.backend.nodes.node(self.world.cluster, self.node)
        assert found
        self.world.backend.nodes.forget(found[0])


def test_a_hundred_times_the_claim_wins_or_the_release_wins(world: World) -> None:
    """Whichever comes first: no machine may go that has a job, and no job is tried twice."""
    for number in range(_TIMES):
        race = Race(world, number)
        race.report("idle")
        world.accept(race.job)
        early = race.run()
        if race.claim:
            assert not early and not race.may_go(), f"the machine of {race.job} would go while it runs"
            assert world.job(race.job).owner == race.node
        race.clear()
        job = world.job(race.job)
        assert (job.state, job.attempt) == (State.SUCCEEDED, 1)
