"""The contract of pools, in memory."""

from typing import Any

import pytest

from tests.support.contract.pools import *  # noqa: F403
from tests.support.memory.clock import FakeClock
from tests.support.memory.pools import MemoryPools


class InMemory:
    """A cloud under test."""

    def __init__(self) -> None:
        self.pools = MemoryPools(FakeClock())

    def add(self, name: str, cluster: str, spot: bool = False) -> None:
        self.pools.add(name, cluster, spot)

    def faults(self, **members: Any) -> None:
        for member, value in members.items():
            setattr(self.pools, member, value)

    def settle(self) -> None:
        self.pools.finish_deletions()


@pytest.fixture
def cloud() -> InMemory:
    return InMemory()
