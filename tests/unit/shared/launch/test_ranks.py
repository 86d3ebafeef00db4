"""shared.launch.pytorch and .caffe2: one process per rank."""

from typing import Any

import pytest

from shared.environment.variables import job_environment
from shared.launch.plan import LaunchPlan
from shared.launch.planning import plan
from tests.support.placements import TEMP, job, placement

INIT = f"file://{TEMP}/shared/pytorch-init-2"


def pytorch(nodes: int = 1, gpus: int = 0, variables: Any = (), **settings: Any) -> LaunchPlan:
    given = {"pythonScriptFilePath": "x.py", "commandLineArgs": "--rank $AZ_BATCHAI_TASK_INDEX"} | settings
    spec = job(nodes, pyTorchSettings=given, environmentVariables=variables)
    return plan(spec, placement(nodes, gpus))


def test_pytorch_on_one_node_is_rank_0() -> None:
    (rank,) = pytorch(gpus=4).processes
    assert (rank.name, rank.node, rank.role, rank.essential) == ("0", 0, "rank", True)
    assert rank.command == "python x.py --rank $AZ_BATCHAI_TASK_INDEX"
    assert rank.environment == {
        "AZ_BATCHAI_TASK_INDEX": "0",
        "AZ_BATCHAI_PYTORCH_INIT_METHOD": INIT,
        "AZ_BATCHAI_METRICS_FILE": f"{TEMP}/metrics-0.jsonl",
    }


def test_pytorch_on_two_nodes_has_a_rank_on_each() -> None:
    result = pytorch(2, gpus=4, communicationBackend="Gloo")
    assert [(p.name, p.node) for p in result.processes] == [("0", 0), ("1", 1)]
    assert result.processes[1].environment == {
        "AZ_BATCHAI_TASK_INDEX": "1",
        "AZ_BATCHAI_PYTORCH_INIT_METHOD": "tcp://10.0.0.4:2222",
        "AZ_BATCHAI_PYTORCH_BACKEND": "gloo",
        "RANK": "1",
        "WORLD_SIZE": "2",
        "LOCAL_RANK": "0",
        "MASTER_ADDR": "10.0.0.4",
        "MASTER_PORT": "2222",
        "AZ_BATCHAI_METRICS_FILE": f"{TEMP}/metrics-1.jsonl",
    }


def test_the_master_port_is_one_that_the_leader_has_found_free() -> None:
    spec = job(2, pyTorchSettings={"pythonScriptFilePath": "t.py"})
    where = placement(2, ports=((2300,), (2222,)))
    assert {p.environment["MASTER_PORT"] for p in plan(spec, where).processes} == {"2300"}
    assert job_environment(spec, where)["AZ_BATCH_MASTER_NODE"] == "10.0.0.4:2300"


def test_ranks_that_share_a_node_share_its_gpus() -> None:
    result = pytorch(2, gpus=2, processCount=4)
    seen = [(p.node, p.environment["CUDA_VISIBLE_DEVICES"]) for p in result.processes]
    assert seen == [(0, "0"), (0, "1"), (1, "0"), (1, "1")]
    assert all("LOCAL_RANK" not in p.environment for p in result.processes)
    assert any("LOCAL_RANK" in note for note in result.notes)


@pytest.mark.parametrize(
    ("gpus", "variables"), [(0, []), (2, [{"name": "CUDA_VISIBLE_DEVICES", "value": "0,1"}])]
)
def test_ranks_that_see_every_gpu_know_their_local_rank(gpus: int, variables: list[Any]) -> None:
    result = pytorch(2, gpus, variables, processCount=4)
    assert [p.environment["LOCAL_RANK"] for p in result.processes] == ["0", "1", "0", "1"]
    assert all("CUDA_VISIBLE_DEVICES" not in p.environment for p in result.processes)
    assert result.notes == ()


def test_the_mpi_backend_is_started_by_mpirun_and_keeps_the_task_index() -> None:
    (process,) = pytorch(2, communicationBackend="MPI").processes
    assert (process.name, process.role) == ("", "mpi")
    assert process.command.startswith("mpirun ")
    assert process.command.endswith(
        "|| exit; export AZ_BATCHAI_TASK_INDEX=$OMPI_COMM_WORLD_RANK; "
        "python x.py --rank $AZ_BATCHAI_TASK_INDEX'"
    )


def test_caffe2_has_one_rank_per_node() -> None:
    settings = {"pythonScriptFilePath": "x.py", "commandLineArgs": "--shard_id $AZ_BATCHAI_TASK_INDEX"}
    result = plan(job(2, caffe2Settings=settings), placement(2, gpus=4))
    assert [(p.name, p.node, p.environment["AZ_BATCHAI_TASK_INDEX"]) for p in result.processes] == [
        ("0", 0, "0"),
        ("1", 1, "1"),
    ]
    assert result.processes[1].command == "python x.py --shard_id $AZ_BATCHAI_TASK_INDEX"
