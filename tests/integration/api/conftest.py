"""One function app for the whole session; tests use workspaces of their own."""

from collections.abc import Iterator

import pytest

from tests.support.rest_api import RestApi
from tests.support.rest_api import rest_api as start


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestApi]:
    with start(tmp_path_factory.mktemp("rest")) as running:
        yield running


@pytest.fixture
def workspace(api: RestApi) -> str:
    """The path of a workspace with an experiment `experiment` and a cluster `cluster`."""
    return api.workspace()


@pytest.fixture(scope="session")
def fuzzed(api: RestApi) -> str:
    """A workspace for generated requests."""
    return api.workspace()
