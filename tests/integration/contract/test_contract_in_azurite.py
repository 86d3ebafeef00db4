"""The contract of the stores, in a real Azurite."""

from collections.abc import Iterator

import pytest

from local.azurite import Endpoints
from tests.support.contract.clusters import *  # noqa: F403
from tests.support.contract.documents import *  # noqa: F403
from tests.support.contract.faults import *  # noqa: F403
from tests.support.contract.gangs import *  # noqa: F403
from tests.support.contract.jobs import *  # noqa: F403
from tests.support.contract.newer_columns import *  # noqa: F403
from tests.support.contract.queues import *  # noqa: F403
from tests.support.contract.scaling import *  # noqa: F403
from tests.support.contract.wires import OverWires
from tests.support.contract.workspaces import *  # noqa: F403
from tests.support.wire import WiredStorage
from tests.support.world import settings_for
from tests.support.world import world as open_world


@pytest.fixture
def faulty(azurite: Endpoints, installation: str) -> Iterator[OverWires]:
    with WiredStorage(azurite) as wires, open_world(settings_for(wires.connection_string)) as made:
        storage = OverWires(made, wires)
        yield storage
        storage.heal()
