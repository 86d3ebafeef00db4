"""shared.launch.tensorflow: master, workers, parameter servers and what they are given."""

import json
from typing import Any

import pytest

from shared.errors import LaunchError
from shared.launch.plan import LaunchPlan, ProcessPlan
from shared.launch.planning import plan, port_count
from tests.support.placements import TEMP, job, placement

SETTINGS = {
    "pythonScriptFilePath": "$AZ_BATCHAI_JOB_MOUNT_ROOT/scripts/train.py",
    "masterCommandLineArgs": "--master --index=$AZ_BATCHAI_TASK_INDEX",
    "workerCommandLineArgs": "--worker",
    "parameterServerCommandLineArgs": "--ps",
}
SCRIPT = "$AZ_BATCHAI_JOB_MOUNT_ROOT/scripts/train.py"


def launched(nodes: int = 1, gpus: int = 0, addresses: tuple[str, ...] = (), **settings: Any) -> LaunchPlan:
    spec = job(nodes, tensorFlowSettings=SETTINGS | settings)
    return plan(spec, placement(nodes, gpus, addresses))


def config(process: ProcessPlan, name: str = "TF_CONFIG") -> Any:
    return json.loads(process.environment[name])


def test_one_node_is_one_master_named_like_a_worker() -> None:
    result = launched()
    (master,) = result.processes
    assert (master.name, master.node, master.role, master.essential) == ("wk-0", 0, "master", True)
    assert master.log_name("stdout") == "stdout-wk-0.txt"
    assert master.command == f"python {SCRIPT} --master --index=$AZ_BATCHAI_TASK_INDEX"
    # No TF_CONFIG: nothing to coordinate, and tf.estimator refuses a cluster without a chief.
    assert master.environment == {
        "AZ_BATCHAI_TASK_TYPE": "master",
        "AZ_BATCHAI_TASK_INDEX": "0",
        "AZ_BATCHAI_PS_HOSTS": "",
        "AZ_BATCHAI_WORKER_HOSTS": "10.0.0.4:2222",
        "AZ_BATCHAI_METRICS_FILE": f"{TEMP}/metrics-wk-0.jsonl",
    }


def test_two_nodes_have_a_master_a_worker_and_one_parameter_server() -> None:
    result = launched(2)
    assert [(p.name, p.node, p.role, p.essential) for p in result.processes] == [
        ("wk-0", 0, "master", True),
        ("wk-1", 1, "worker", True),
        ("ps-0", 0, "ps", False),
    ]
    assert [p.command.split()[-1] for p in result.processes] == [
        "--index=$AZ_BATCHAI_TASK_INDEX",
        "--worker",
        "--ps",
    ]
    for process in result.processes:
        assert process.environment["AZ_BATCHAI_PS_HOSTS"] == "10.0.0.4:2222"
        assert process.environment["AZ_BATCHAI_WORKER_HOSTS"] == "10.0.0.4:2223,10.0.0.5:2222"
    assert [p.environment["AZ_BATCHAI_TASK_INDEX"] for p in result.processes] == ["0", "1", "0"]


def test_tf_config_is_the_originals_where_the_master_is_worker_0_too() -> None:
    master, worker, server = launched(2).processes
    cluster = {"ps": ["10.0.0.4:2222"], "worker": ["10.0.0.4:2223", "10.0.0.5:2222"]}
    for process, role, index in ((master, "master", 0), (worker, "worker", 1), (server, "ps", 0)):
        assert config(process) == {
            "cluster": cluster,
            "task": {"type": role, "index": index},
            "environment": "cloud",
        }


def test_the_chief_form_renumbers_the_workers() -> None:
    master, worker, server = launched(2).processes
    name = "AZ_BATCHAI_TF_CONFIG_CHIEF"
    cluster = {"chief": ["10.0.0.4:2223"], "worker": ["10.0.0.5:2222"], "ps": ["10.0.0.4:2222"]}
    assert config(master, name)["cluster"] == cluster
    assert [config(p, name)["task"] for p in (master, worker, server)] == [
        {"type": "chief", "index": 0},
        {"type": "worker", "index": 0},
        {"type": "ps", "index": 0},
    ]


def test_a_document_chooses_the_chief_form_by_a_variable_of_its_own() -> None:
    variable = {"name": "TF_CONFIG", "value": "$AZ_BATCHAI_TF_CONFIG_CHIEF"}
    spec = job(2, tensorFlowSettings=SETTINGS, environmentVariables=[variable])
    for process in plan(spec, placement(2)).processes:
        assert config(process) == config(process, "AZ_BATCHAI_TF_CONFIG_CHIEF")


def test_several_workers_on_a_node_share_its_gpus_and_the_server_sees_none() -> None:
    result = launched(2, gpus=2, workerCount=4, parameterServerCount=2)
    assert [(p.name, p.node, p.environment["CUDA_VISIBLE_DEVICES"]) for p in result.processes] == [
        ("wk-0", 0, "0"),
        ("wk-1", 0, "1"),
        ("wk-2", 1, "0"),
        ("wk-3", 1, "1"),
        ("ps-0", 0, "-1"),
        ("ps-1", 1, "-1"),
    ]
    assert result.processes[0].environment["AZ_BATCHAI_WORKER_HOSTS"] == (
        "10.0.0.4:2223,10.0.0.4:2224,10.0.0.5:2223,10.0.0.5:2224"
    )


def test_workers_on_one_node_without_a_count_of_servers_get_one() -> None:
    assert [p.name for p in launched(1, gpus=2, workerCount=2).processes] == ["wk-0", "wk-1", "ps-0"]
    assert [p.name for p in launched(1, parameterServerCount=1).processes] == ["wk-0", "ps-0"]


def test_ports_count_per_address_not_per_node() -> None:
    result = launched(2, addresses=("127.0.0.1", "127.0.0.1"))
    assert result.processes[0].environment["AZ_BATCHAI_WORKER_HOSTS"] == "127.0.0.1:2223,127.0.0.1:2224"


def test_ports_that_a_node_has_found_free_are_used_in_their_order() -> None:
    spec = job(2, tensorFlowSettings=SETTINGS)
    where = placement(2, addresses=("10.0.0.4", "10.0.0.4"), ports=((2222, 2225), (2223,)))
    for process in plan(spec, where).processes:
        assert process.environment["AZ_BATCHAI_PS_HOSTS"] == "10.0.0.4:2222"
        assert process.environment["AZ_BATCHAI_WORKER_HOSTS"] == "10.0.0.4:2225,10.0.0.4:2223"
    too_few = placement(2, ports=((2222,), (2222,)))
    with pytest.raises(LaunchError, match="node node-0 has 1 free ports"):
        plan(spec, too_few)


@pytest.mark.parametrize(
    ("nodes", "workers", "count"), [(2, None, 2), (2, 4, 3), (2, 5, 4), (4, 2, 2), (1, None, 2)]
)
def test_every_node_offers_as_many_ports_as_it_may_need(nodes: int, workers: int | None, count: int) -> None:
    spec = job(nodes, tensorFlowSettings=SETTINGS | {"workerCount": workers, "parameterServerCount": nodes})
    assert port_count(spec) == count
    offered = tuple(tuple(range(3000, 3000 + count)) for _ in range(nodes))
    assert plan(spec, placement(nodes, ports=offered)).processes
    assert port_count(job(nodes)) == 1


def test_missing_arguments_are_noted() -> None:
    notes = launched(2, workerCommandLineArgs=None, parameterServerCommandLineArgs=None).notes
    assert any("workerCommandLineArgs is not given" in note for note in notes)
    assert any("parameterServerCommandLineArgs is not given" in note for note in notes)


def test_the_documents_interpreter_is_used() -> None:
    (master,) = launched(1, pythonInterpreterPath="/opt/py/bin/python3").processes
    assert master.command.startswith(f"/opt/py/bin/python3 {SCRIPT} ")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workerCount": 5}, "workerCount is 5, but 2 nodes have 4 GPUs"),
        ({"parameterServerCount": 3}, "parameterServerCount is 3, but there are 2 nodes"),
    ],
)
def test_more_tasks_than_the_nodes_hold_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(LaunchError, match=message):
        launched(2, gpus=2, **settings)
