"""The contract of pools: in memory, and the real client against the stand-in of ARM."""

from collections.abc import Callable
from typing import Any, Protocol

import pytest

from shared.errors import LostOwnershipError, PoolRefusedError, StoreError, ThrottledError
from shared.scaling.pools import MachineState, Operation, Pool, Pools, Progress
from tests.support.waiting import eventually


class CloudUnderTest(Protocol):
    """What the tests do on the cloud's side. `faults`: those of local/arm/faults.py."""

    pools: Pools

    def add(self, name: str, cluster: str, spot: bool = False) -> None:
        """A pool without machines."""

    def faults(self, **members: Any) -> None:
        """What is to go wrong from now on."""

    def settle(self) -> None:
        """Let what is under way come to its end."""


def one(cloud: CloudUnderTest, name: str = "pool") -> Pool:
    return next(pool for pool in cloud.pools.look() if pool.name == name)


def when(cloud: CloudUnderTest, is_so: Callable[[Pool], bool], name: str = "pool") -> Pool:
    """The pool once it is so."""

    def look() -> Pool | None:
        cloud.settle()
        found = one(cloud, name)
        return found if is_so(found) else None

    found = eventually(look, 10)
    assert found
    return found


def names(pool: Pool) -> list[str]:
    return [machine.name for machine in pool.machines]


def test_pools_are_listed_with_their_clusters(cloud: CloudUnderTest) -> None:
    assert cloud.pools.look() == ()
    cloud.add("pool", "ws/default")
    cloud.add("other", "Research/GPU", spot=True)
    found = {pool.name: pool for pool in cloud.pools.look()}
    assert {name: pool.cluster for name, pool in found.items()} == {
        "pool": "ws/default",
        "other": "Research/GPU",
    }
    assert [(found[n].spot, found[n].capacity, found[n].machines) for n in ("pool", "other")] == [
        (False, 0, ()),
        (True, 0, ()),
    ]
    assert found["pool"].size == "STANDARD_NC6"


def test_a_capacity_makes_machines_of_that_pool(cloud: CloudUnderTest) -> None:
    cloud.add("pool", "ws/default")
    cloud.add("other", "ws/other")
    asked = cloud.pools.set_capacity(one(cloud), 2)
    pool = when(cloud, lambda p: len(p.machines) == 2 and p.settled)
    assert pool.capacity == 2
    assert all(pool.made(name) for name in names(pool))
    assert {m.state for m in pool.machines} == {MachineState.PRESENT}
    assert all(machine.created for machine in pool.machines)
    assert one(cloud, "other").machines == ()
    assert eventually(lambda: cloud.pools.operation(asked) == Operation(Progress.DONE))


def test_asking_twice_makes_no_more(cloud: CloudUnderTest) -> None:
    cloud.add("pool", "ws/default")
    for _ in range(2):
        cloud.pools.set_capacity(one(cloud), 1)
    assert len(when(cloud, lambda p: p.settled and bool(p.machines)).machines) == 1


def test_exactly_the_named_machines_go_and_gone_ones_are_fine(cloud: CloudUnderTest) -> None:
    cloud.add("pool", "ws/default")
    cloud.pools.set_capacity(one(cloud), 3)
    pool = when(cloud, lambda p: len(p.machines) == 3 and p.settled)
    first, second, third = names(pool)
    cloud.pools.delete(pool, [second])
    pool = when(cloud, lambda p: set(names(p)) == {first, third})
    assert pool.capacity == 2
    cloud.pools.delete(pool, [second])
    cloud.pools.delete(pool, [second, third])
    assert when(cloud, lambda p: names(p) == [first]).capacity == 1


def test_of_two_who_saw_the_same_pool_one_changes_it(cloud: CloudUnderTest) -> None:
    cloud.add("pool", "ws/default")
    seen = one(cloud)
    cloud.pools.set_capacity(seen, 2)
    with pytest.raises(LostOwnershipError):
        cloud.pools.set_capacity(seen, 1)
    assert len(when(cloud, lambda p: p.settled and bool(p.machines)).machines) == 2


def test_fewer_machines_than_there_are_is_never_asked_for(cloud: CloudUnderTest) -> None:
    cloud.add("pool", "ws/default")
    cloud.pools.set_capacity(one(cloud), 2)
    pool = when(cloud, lambda p: len(p.machines) == 2)
    with pytest.raises(ValueError):
        cloud.pools.set_capacity(pool, 1)


def test_a_quota_refuses_at_once_in_the_clouds_words(cloud: CloudUnderTest) -> None:
    cloud.add("pool", "ws/default")
    cloud.faults(quota=1)
    with pytest.raises(PoolRefusedError, match="exceeding approved") as refused:
        cloud.pools.set_capacity(one(cloud), 2)
    assert refused.value.code == "OperationNotAllowed"
    assert (one(cloud).capacity, one(cloud).machines) == (0, ())


def test_what_cannot_be_allocated_is_reported_later(cloud: CloudUnderTest) -> None:
    cloud.add("pool", "ws/default")
    cloud.faults(available=1)
    asked = cloud.pools.set_capacity(one(cloud), 2)

    def failed() -> Operation | None:
        reported = cloud.pools.operation(asked)
        return reported if reported.progress is Progress.FAILED else None

    reported = eventually(failed, 10)
    assert reported and reported.code == "AllocationFailed" and "capacity" in reported.message
    states = sorted(machine.state for machine in one(cloud).machines)
    assert states == [MachineState.FAILED, MachineState.PRESENT]


def test_an_operation_that_nobody_knows_is_over(cloud: CloudUnderTest) -> None:
    assert cloud.pools.operation("https://elsewhere.example/operation").progress is Progress.DONE


def test_throttling_shows_for_how_long(cloud: CloudUnderTest) -> None:
    cloud.add("pool", "ws/default")
    pool = one(cloud)
    for call in (cloud.pools.look, lambda: cloud.pools.set_capacity(pool, 1)):
        cloud.faults(throttled=1, retry_after=17)
        with pytest.raises(ThrottledError) as throttled:
            call()
        assert throttled.value.seconds == 17
    assert one(cloud).capacity == 0


def test_an_outage_is_a_fault_of_the_moment(cloud: CloudUnderTest) -> None:
    cloud.add("pool", "ws/default")
    pool = one(cloud)
    cloud.faults(down=True)
    for call in (
        cloud.pools.look,
        lambda: cloud.pools.set_capacity(pool, 1),
        lambda: cloud.pools.delete(pool, ["pool_0"]),
    ):
        with pytest.raises(StoreError):
            call()
    cloud.faults(down=False)
    assert one(cloud).capacity == 0


def test_a_lost_answer_is_a_change_that_was_made(cloud: CloudUnderTest) -> None:
    cloud.add("pool", "ws/default")
    cloud.faults(lost_answers=1)
    with pytest.raises(StoreError):
        cloud.pools.set_capacity(one(cloud), 1)
    assert len(when(cloud, lambda p: bool(p.machines)).machines) == 1
