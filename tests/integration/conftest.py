"""An installation in the session's Azurite, and a world of its own for each test that asks for one."""

from collections.abc import Iterator

import pytest

from local import azurite as azurite_process
from local.azurite import Endpoints
from shared.backend import provision
from tests.support.world import World, settings_for
from tests.support.world import world as open_world


@pytest.fixture(scope="session")
def installation(azurite: Endpoints) -> str:
    """Connection string of a storage account with the tables and containers of an installation."""
    provision(settings_for(azurite.connection_string))
    return azurite.connection_string


@pytest.fixture(scope="module")
def own_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same in an Azurite of its own, for a module that looks at all there is."""
    child, endpoints = azurite_process.start(tmp_path_factory.mktemp("azurite") / "azurite.log")
    provision(settings_for(endpoints.connection_string))
    yield endpoints.connection_string
    child.stop()


@pytest.fixture
def world(installation: str) -> Iterator[World]:
    with open_world(settings_for(installation)) as made:
        yield made
