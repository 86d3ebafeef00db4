"""Jobs on several nodes with the engines they are made for: PyTorch, Open MPI, a parameter server."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.engines.conftest import ENGINES, FOUR_RANKS, MPI4PY, TORCH, Field, made
from tests.support.needs import need


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
        message = field.logs()[f"stdout-{rank}.txt"]
        assert message == f"rank {rank} of {ranks}: loss {loss:.4f} weights {weights}\n"


def test_an_allreduce_in_c(field: Field, allreduce: Path) -> None:
    job = field.run(customMpiSettings={"commandLine": str(allreduce), "processCount": 4})
    assert field.ranks(job) == FOUR_RANKS


@pytest.mark.parametrize("toolkit", ["horovodSettings", "chainerSettings"])
def test_an_allreduce_in_python(field: Field, toolkit: str) -> None:
    need(made(MPI4PY))
    settings: dict[str, Any] = {
        "pythonScriptFilePath": str(ENGINES / "mpi_sum.py"),
        "pythonInterpreterPath": str(MPI4PY),
        "processCount": 4,
    }
    members: dict[str, Any] = {toolkit: settings}
    job = field.run(**members)
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


def test_jobs_with_users_of_their_own_reach_each_other(closed_field: Field) -> None:
    field, shared = closed_field, "$AZ_BATCHAI_SHARED_JOB_TEMP"
    job = field.run(
        jobPreparation={"commandLine": f"id -un > {shared}/$AZ_BATCH_NODE_ID"},
        customMpiSettings={"commandLine": f"cat {shared}/$AZ_BATCH_NODE_ID; id -un", "processCount": 2},
    )
    said = field.logs()["stdout.txt"].split()
    assert len(set(said)) == 2 and {said.count(user) for user in said} == {2}
    assert all(user.startswith("batchai-job-") for user in said)
    assert all(seal.complete for seal in job.seals)
