"""The contract of the stores, in memory."""

import pytest

from tests.support.contract.clusters import *  # noqa: F403
from tests.support.contract.documents import *  # noqa: F403
from tests.support.contract.faults import *  # noqa: F403
from tests.support.contract.gangs import *  # noqa: F403
from tests.support.contract.jobs import *  # noqa: F403
from tests.support.contract.newer_columns import *  # noqa: F403
from tests.support.contract.queues import *  # noqa: F403
from tests.support.contract.scaling import *  # noqa: F403
from tests.support.contract.wires import InMemory
from tests.support.contract.workspaces import *  # noqa: F403
from tests.support.memory.world import MemoryWorld, memory_world


@pytest.fixture
def world() -> MemoryWorld:
    return memory_world()


@pytest.fixture
def faulty(world: MemoryWorld) -> InMemory:
    return InMemory(world)
