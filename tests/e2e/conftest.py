"""One running stack for the tests that do not break it."""

import os
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.layout import DataDirectory, StackState
from local.stack import Stack
from tests.e2e.chaos.place import Place, place
from tests.support import distribution
from tests.support.stack_client import StackClient

#: Tests whose child processes are measured: those of others take a third less of a processor and, where
#: leases last seconds, lose none of them. What their processes run, integration tests run too
#: (docs/adr/0305).
_MEASURED = tuple(
    f"tests/e2e/test_{name}" for name in ("cli", "cluster", "doctor", "pipeline", "secrets", "stack")
)


@pytest.fixture(autouse=True)
def unmeasured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Coverage is measured in the child processes of some tests only."""
    if not request.node.nodeid.startswith(_MEASURED):
        for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackState]:
    """Azurite, the Azure Files emulator, the functions host and one runner, as real processes."""
    running = Stack(DataDirectory(tmp_path_factory.mktemp("stack")), print)
    yield running.start()
    running.stop()


@pytest.fixture(scope="session")
def client(stack: StackState) -> Iterator[StackClient]:
    """A user of the stack, with the cluster `default` and the share `logs` there."""
    with StackClient(stack) as user:
        user.share("logs")
        assert user.drop_cluster()["state"] == "accepted"
        yield user


@pytest.fixture(scope="module")
def arena_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """For the arenas of a module, one after the other: what tests start meanwhile is in its network."""
    with place(tmp_path_factory.mktemp("place")) as made:
        yield made


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source distribution, and the wheel that was built from it."""
    return distribution.build(tmp_path_factory)


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a folder `shared` that is not ours."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "shared").mkdir()
    (folder / "shared" / "__init__.py").write_text("raise ImportError('the wrong one')\n")
    return folder


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory, built: tuple[Path, Path]) -> Path:
    """The folder of programs of an environment that holds what a GPU VM installs; further extras may come."""
    folder = tmp_path_factory.mktemp("node")
    venv.create(folder, with_pip=False)
    distribution.install(folder / "bin", f"{built[1]}[runner]")
    return folder / "bin"
