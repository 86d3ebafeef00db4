"""One function app for the whole session; tests use workspaces of their own.

Every answer that any test here gets is held against Microsoft's specification, where that is at hand.
"""

from collections.abc import Iterator

import pytest

from tests.support.rest_api import RestApi
from tests.support.rest_api import rest_api as start
from tests.support.specification import Specification, specification


@pytest.fixture(scope="session")
def judge() -> Specification | None:
    return specification()


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory, judge: Specification | None) -> Iterator[RestApi]:
    with start(tmp_path_factory.mktemp("rest")) as running:
        if judge:
            running.http.event_hooks["response"].append(judge.judge)
        yield running


@pytest.fixture
def workspace(api: RestApi) -> str:
    """The path of a workspace with an experiment `experiment` and a cluster `cluster`."""
    return api.workspace()


@pytest.fixture(scope="session")
def fuzzed(api: RestApi) -> str:
    """A workspace for generated requests."""
    return api.workspace()
