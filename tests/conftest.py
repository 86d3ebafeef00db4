"""Fixtures for every tier."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import azurite as azurite_process
from tests.support.parts import part_of

pytest.register_assert_rewrite("tests.support.contract")


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


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--dist loadgroup` each part goes to one worker, the longest parts first."""
    if config.getoption("dist", "no") != "loadgroup" and not hasattr(config, "workerinput"):
        return
    places = {item: part_of(item.path.relative_to(config.rootpath).as_posix()) for item in items}
    items.sort(key=lambda item: places[item][0])
    for item in items:
        item.add_marker(pytest.mark.xdist_group(places[item][1]))
