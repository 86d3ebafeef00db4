"""What tests of jobs on several nodes need: two runners with an address each, and the engines."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from runner.isolation.job_user import own
from runner.machine.commands import find_program
from runner.ssh import server, shared_temp
from shared.jobs.model import Job, State
from tests.e2e.chaos.arena import Arena, no_process_of, wait_for
from tests.support import closed_machine
from tests.support.installing import is_installed
from tests.support.needs import need
from tests.support.waiting import eventually

PROJECT = Path(__file__).parents[3]
ENGINES = PROJECT / "tests" / "engines"
TORCH, MPI4PY = (PROJECT / ".venvs" / name / "bin" / "python" for name in ("torch", "mpi"))
FOUR_RANKS = {(0, "A"), (1, "A"), (2, "B"), (3, "B")}


class Field:
    """An arena whose jobs leave their logs in one folder."""

    def __init__(self, arena: Arena, folder: Path, more: Mapping[str, Any] = MappingProxyType({})) -> None:
        """`more`: members of every document."""
        self.arena = arena
        self.folder = folder
        self.more = more

    def run(self, seconds: float = 90, **properties: Any) -> Job:
        """The job at its end; it must have succeeded at its first attempt."""
        least = {"nodeCount": 2, "stdOutErrPathPrefix": str(self.folder), "customToolkitSettings": None}
        self.arena.submit("job", text="true", **{**least, **self.more, **properties})
        wait_for(lambda: not self.arena.job("job").state.live, self.arena, seconds)
        job = self.arena.job("job")
        assert job.state is State.SUCCEEDED, (job.errors, self.said(), self.arena.logs())
        assert job.attempt == 1, [(event.at, event.kind, event.detail) for event in job.events]
        return job

    def logs(self) -> dict[str, str]:
        """Name -> text of everything the job has left in its stdouterr folder."""
        return {file.name: file.read_text() for file in self.folder.rglob("stdouterr/*")}

    def said(self, pattern: str = "") -> str:
        return "".join(text for name, text in sorted(self.logs().items()) if re.search(pattern, name))

    def ranks(self, job: Job) -> set[tuple[int, str]]:
        """Rank and node (A: the leader) of every rank that prints the right sum of four."""
        letters = dict(zip(job.events[1].detail.split(), "AB", strict=True))
        found = re.findall(r"^rank (\d) of 4 on (\S+): sum 10$", self.logs()["stdout.txt"], re.MULTILINE)
        return {(int(rank), letters[node]) for rank, node in found}


def made(program: Path) -> str | None:
    installed = is_installed(program.parents[1], "engines")
    return None if installed else f"{program} is missing (scripts/engine-envs)"


@pytest.fixture(autouse=True)
def able() -> None:
    need(server.fault(own()) or shared_temp.fault(own()))


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    with Arena(tmp_path, runners=2, lease_seconds=20, shares_network=True) as arena:
        yield Field(arena, tmp_path / "logs")
    eventually(lambda: no_process_of(tmp_path) == [], 5)


@pytest.fixture
def allreduce(tmp_path: Path) -> Path:
    need(None if find_program("mpicc") else "mpicc is missing (libopenmpi-dev)")
    program = tmp_path / "allreduce"
    subprocess.run(["mpicc", "-o", str(program), str(ENGINES / "allreduce.c")], check=True)
    return program


@pytest.fixture
def closed_field() -> Iterator[Field]:
    """Runners whose jobs run as users of their own, on folders that those can reach."""
    closed_machine.need("useradd", "setpriv", "unshare", "prlimit")
    with closed_machine.open_folder() as folder:
        with Arena(folder, runners=0, lease_seconds=20) as arena:
            for number in range(2):
                arena.start(number, {"BATCHAI_JOB_USER": ""})
            # On the node itself, for one user may not write where the other one does.
            yield Field(arena, folder, {"stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT"})
        eventually(lambda: no_process_of(folder) == [], 5)
