"""Jobs on several nodes with the engines they are made for: PyTorch, Open MPI, a parameter server.

Each runner of this machine is a node with an address of its own.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.job_user import own
from runner.mounts.commands import find_program
from runner.ssh import server, shared_temp
from shared.state import Job, State
from tests.e2e.chaos.arena import Arena, no_process_of, wait_for
from tests.integration.mounts.conftest import need
from tests.support.waiting import eventually

PROJECT = Path(__file__).parents[2]
ENGINES = PROJECT / "tests" / "engines"
TORCH, MPI4PY = (PROJECT / ".venvs" / name / "bin" / "python" for name in ("torch", "mpi"))
FOUR_RANKS = {(0, "A"), (1, "A"), (2, "B"), (3, "B")}


class Field:
    """An arena whose jobs leave their logs in one folder."""

    def __init__(self, arena: Arena, folder: Path) -> None:
        self.arena = arena
        self.folder = folder

    def run(self, seconds: float = 90, **properties: Any) -> Job:
        """The job at its end; it must have succeeded at its first attempt."""
        least = {"nodeCount": 2, "stdOutErrPathPrefix": str(self.folder), "customToolkitSettings": None}
        self.arena.submit("job", text="true", **least | properties)
        wait_for(lambda: not self.arena.job("job").state.live, self.arena, seconds)
        job = self.arena.job("job")
        assert job.state is State.SUCCEEDED, (job.errors, self.said(), self.arena.logs())
        assert job.attempt == 1
        return job

    def logs(self) -> dict[str, str]:
        """Name -> text of everything the job has left in its stdouterr folder."""
        return {file.name: file.read_text() for file in self.folder.rglob("stdouterr/*")}

    def said(self, pattern: str = "") -> str:
        return "".join(text for name, text in sorted(self.logs().items()) if re.search(pattern, name))

    def ranks(self, job: Job) -> set[tuple[int, str]]:
        """Rank and node (A: the leader) of every rank that tells the right sum of four."""
        letters = dict(zip(job.events[1].detail.split(), "AB", strict=True))
        found = re.findall(r"^rank (\d) of 4 on (\S+): sum 10$", self.logs()["stdout.txt"], re.MULTILINE)
        return {(int(rank), letters[node]) for rank, node in found}


def made(program: Path) -> str | None:
    return None if program.exists() else f"{program} is missing (scripts/engine-envs)"


@pytest.fixture(autouse=True)
def able() -> None:
    need(server.fault(own()) or shared_temp.fault(own()))


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    with Arena(tmp_path, runners=2) as arena:
        yield Field(arena, tmp_path / "logs")
    eventually(lambda: no_process_of(tmp_path) == [], 5)


@pytest.fixture
def allreduce(tmp_path: Path) -> Path:
    need(None if find_program("mpicc") else "mpicc is missing (libopenmpi-dev)")
    program = tmp_path / "allreduce"
    subprocess.run(["mpicc", "-o", str(program), str(ENGINES / "allreduce.c")], check=True)
    return program


@pytest.mark.parametrize(("ranks", "loss"), [(2, 62.5), (4, 187.5)])
def test_a_step_of_distributed_data_parallel(field: Field, ranks: int, loss: float) -> None:
    need(made(TORCH))
    settings = {
        "pythonScriptFilePath": str(ENGINES / "ddp_step.py"),
        "pythonInterpreterPath": f"{TORCH} -W ignore",
        "communicationBackend": "Gloo",
        "processCount": ranks,
    }
    field.run(180, pyTorchSettings=settings)
    # The gradient is the mean over the ranks of 10 (r + 1)^2 (1, 2), the step 0.001 of it.
    step = loss / 25 * 10 * 0.001
    weights = [round(1 - step, 4), round(2 - 2 * step, 4)]
    for rank in range(ranks):
        told = field.logs()[f"stdout-{rank}.txt"]
        assert told == f"rank {rank} of {ranks}: loss {loss:.4f} weights {weights}\n"


def test_an_allreduce_in_c(field: Field, allreduce: Path) -> None:
    job = field.run(customMpiSettings={"commandLine": str(allreduce), "processCount": 4})
    assert field.ranks(job) == FOUR_RANKS


@pytest.mark.parametrize("toolkit", ["horovodSettings", "chainerSettings"])
def test_an_allreduce_in_python(field: Field, toolkit: str) -> None:
    need(made(MPI4PY))
    settings = {
        "pythonScriptFilePath": str(ENGINES / "mpi_sum.py"),
        "pythonInterpreterPath": str(MPI4PY),
        "processCount": 4,
    }
    job = field.run(**{toolkit: settings})
    assert field.ranks(job) == FOUR_RANKS


def test_a_parameter_server_with_the_ports_of_its_tf_config(field: Field) -> None:
    settings = {
        "pythonScriptFilePath": str(ENGINES / "parameter_server.py"),
        "workerCount": 2,
        "parameterServerCount": 1,
    }
    field.run(tensorFlowSettings=settings)
    said = field.said(r"^stdout-wk-")
    assert re.fullmatch(r"master 0 at port \d+: the sum is 3\nworker 1 at port \d+: the sum is 3\n", said), (
        field.said()
    )


def test_a_users_own_mpirun_over_ssh(field: Field, allreduce: Path) -> None:
    words = "--allow-run-as-root --oversubscribe -n 4 --mca btl self,tcp --mca btl_tcp_if_include lo"
    ssh = 'for node in $(echo $AZ_BATCH_HOST_LIST | tr , " "); do ssh $node echo at \\$AZ_BATCH_NODE_ID; done'
    line = f"{ssh}; mpirun {words} --map-by node --hostfile $AZ_BATCHAI_MPI_HOST_FILE {allreduce}"
    job = field.run(customToolkitSettings={"commandLine": line})
    assert {rank for rank, _ in field.ranks(job)} == {0, 1, 2, 3}
    assert {node for _, node in field.ranks(job)} == {"A", "B"}
    reached = re.findall(r"^at (\S+)$", field.logs()["stdout.txt"], re.MULTILINE)
    assert reached == job.events[1].detail.split()


def test_every_node_prepares_and_all_share_one_folder(field: Field) -> None:
    shared = "$AZ_BATCHAI_SHARED_JOB_TEMP"
    job = field.run(
        jobPreparation={"commandLine": f"echo $AZ_BATCH_NODE_ID > {shared}/$AZ_BATCH_NODE_ID; echo prepared"},
        customToolkitSettings={"commandLine": f"cat {shared}/*"},
    )
    nodes = sorted(job.events[1].detail.split())
    assert field.logs()["stdout.txt"].split() == nodes
    for node in nodes:
        assert field.logs()[f"stdout-job_prep-{node}.txt"] == "prepared\n"
        assert f"node {node}" in field.logs()[f"execution-{node}.log"]
