"""An installation in the session's Azurite, and a world of its own for each test that asks for one."""

from collections.abc import Iterator

import pytest

from local.azurite import Endpoints
from shared.backend import provision
from tests.support.world import World, settings_for
from tests.support.world import world as open_world


@pytest.fixture(scope="session")
def installation(azurite: Endpoints) -> str:
    """Connection string of a storage account with the tables and containers of an installation."""
    provision(settings_for(azurite.connection_string))
    return azurite.connection_string


@pytest.fixture
def world(installation: str) -> Iterator[World]:
    with open_world(settings_for(installation)) as made:
        yield made
