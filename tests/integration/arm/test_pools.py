"""The contract of pools: the real client, over HTTP, against the stand-in of ARM."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.settings import ArmSettings
from shared.stores.connection import CallCounter
from shared.stores.scale_sets import ScaleSets
from tests.support.arm import GROUP, SUBSCRIPTION, TOKEN, Arm, arm
from tests.support.contract.pools import *  # noqa: F403


class OverHttp:
    """A cloud under test."""

    def __init__(self, running: Arm) -> None:
        self._running = running
        self.counter = CallCounter()
        self.pools = ScaleSets(ArmSettings(GROUP, SUBSCRIPTION, running.server.url, TOKEN), self.counter)

    def add(self, name: str, cluster: str, spot: bool = False) -> None:
        self._running.put(name, cluster, priority="Spot" if spot else "Regular")

    def faults(self, **members: Any) -> None:
        self._running.faults(**members)

    def settle(self) -> None:
        pass


@pytest.fixture
def cloud() -> Iterator[OverHttp]:
    with arm() as running:
        made = OverHttp(running)
        yield made
        made.pools.close()


def test_a_look_costs_two_calls_however_many_pools_there_are(cloud: OverHttp) -> None:
    for number in range(5):
        cloud.add(f"pool{number}", f"ws/c{number}")
    cloud.counter.reset()
    assert len(cloud.pools.look()) == 5
    assert cloud.counter.snapshot() == {"GET arm": 2}
