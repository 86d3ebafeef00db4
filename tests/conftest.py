"""Fixtures for every tier."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import azurite as azurite_process
from tests.support import forked
from tests.support.parts import is_measured

pytest.register_assert_rewrite("tests.support.contract")


def pytest_addoption(parser: pytest.Parser) -> None:
    forked.add_option(parser)


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    return forked.run(session)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_measured(item.nodeid):
            item.add_marker("measured")


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[azurite_process.Endpoints]:
    """One Azurite in memory for the whole session; tests use fresh names instead of cleaning."""
    child, endpoints = azurite_process.start(tmp_path_factory.mktemp("azurite") / "azurite.log")
    yield endpoints
    child.stop()


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The collection of real documents beside the checkout; tests that read it skip where it is absent."""
    path = Path(os.environ.get("BATCHAI_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))
    if not path.is_dir():
        pytest.skip(f"no corpus at {path}; set BATCHAI_CORPUS")
    return path
