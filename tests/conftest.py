"""Fixtures for every tier."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer

from local import azurite as azurite_process
from tests.support import forked
from tests.support.parts import part_of
from tests.support.scheduling import Parts

pytest.register_assert_rewrite("tests.support.contract")


def pytest_addoption(parser: pytest.Parser) -> None:
    forked.add_option(parser)


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    return forked.run(session)


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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker the longest parts come first."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: part_of(item.nodeid)[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Parts | None:
    """With `--dist loadscope` a part is what one worker runs, and no test of it another."""
    return Parts(config, log) if config.getoption("dist") == "loadscope" else None
