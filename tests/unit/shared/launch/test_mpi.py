"""shared.launch.mpi and the toolkits that use it."""

import shlex
from typing import Any

import pytest

from shared.environment.variables import job_environment
from shared.launch.plan import LaunchPlan
from shared.launch.planning import plan
from tests.support.placements import TEMP, job, placement

HOSTFILE = f"{TEMP}/hostfile"
AT_WORK = 'cd "$AZ_BATCHAI_JOB_WORK_DIR" || exit; '


def horovod(nodes: int = 1, addresses: tuple[str, ...] = (), gpus: int = 0, **properties: Any) -> LaunchPlan:
    count = properties.pop("processCount", None)
    settings = {"pythonScriptFilePath": "$X/t.py", "commandLineArgs": "--a 'b c'", "processCount": count}
    return plan(job(nodes, horovodSettings=settings, **properties), placement(nodes, gpus, addresses))


def words(result: LaunchPlan) -> list[str]:
    (process,) = result.processes
    return shlex.split(process.command)


def test_one_process_needs_no_mpirun_but_knows_its_rank() -> None:
    result = horovod()
    (process,) = result.processes
    assert (process.name, process.role) == ("", "command")
    assert process.command == "python $X/t.py --a 'b c'"
    assert process.environment == {
        "OMPI_COMM_WORLD_RANK": "0",
        "OMPI_COMM_WORLD_SIZE": "1",
        "OMPI_COMM_WORLD_LOCAL_RANK": "0",
        "OMPI_COMM_WORLD_LOCAL_SIZE": "1",
    }


def test_two_nodes_are_one_mpirun_on_the_leader() -> None:
    result = horovod(2)
    (process,) = result.processes
    assert (process.name, process.node, process.role, process.environment) == ("", 0, "mpi", {})
    assert process.command.startswith(
        'mpirun --allow-run-as-root -n 2 --hostfile "$AZ_BATCHAI_MPI_HOST_FILE" --map-by slot --bind-to none '
        "--mca btl_tcp_if_exclude docker0,lo -x AZ_BATCHAI_NUM_GPUS "
    )
    # Quoted for mpirun's shell, so that each rank's own shell expands and splits it.
    assert words(result)[-3:] == ["bash", "-c", f"{AT_WORK}python $X/t.py --a 'b c'"]


def test_several_processes_on_one_node_need_no_address() -> None:
    line = words(horovod(1, processCount=4))
    assert line[line.index("--host") + 1] == "localhost:4"
    assert "--hostfile" not in line and "--mca" not in line


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (("10.0.0.4", "10.0.0.5"), ["btl_tcp_if_exclude", "docker0,lo"]),
        (("gpu-1", "gpu-2"), ["btl_tcp_if_exclude", "docker0,lo"]),
        (("127.0.0.1", "127.0.0.2"), ["btl", "self,tcp", "btl_tcp_if_include", "lo"]),
        (("::1", "localhost"), ["btl", "self,tcp", "btl_tcp_if_include", "lo"]),
        (("10.0.0.4", "10.0.0.4"), ["btl", "self,tcp", "btl_tcp_if_exclude", "docker0,lo"]),
        (("127.0.0.1", "10.0.0.5"), []),
    ],
)
def test_loopback_is_left_out_only_between_machines(addresses: tuple[str, ...], expected: list[str]) -> None:
    line = words(horovod(2, addresses))
    seen = [word for i, option in enumerate(line) if option == "--mca" for word in line[i + 1 : i + 3]]
    assert seen == expected


@pytest.mark.parametrize("addresses", [("10.0.0.4", "10.0.0.4"), ("127.0.0.2", "127.0.0.1")])
def test_nodes_that_share_a_machine_have_their_ids_in_the_host_file(addresses: tuple[str, ...]) -> None:
    result = horovod(2, addresses)
    assert result.files == {HOSTFILE: "node-0 slots=1\nnode-1 slots=1\n"}


@pytest.mark.parametrize(
    ("nodes", "count", "content"),
    [
        (2, 8, "10.0.0.4 slots=4\n10.0.0.5 slots=4\n"),
        (2, None, "10.0.0.4 slots=1\n10.0.0.5 slots=1\n"),
        (2, 3, "10.0.0.4 slots=2\n10.0.0.5 slots=1\n"),
        (3, 2, "10.0.0.4 slots=1\n10.0.0.5 slots=1\n"),
    ],
)
def test_process_count_is_spread_as_slots(nodes: int, count: int | None, content: str) -> None:
    result = horovod(nodes, processCount=count)
    assert result.files == {HOSTFILE: content}
    assert words(result)[3] == str(count or nodes)


def test_idle_nodes_and_crowded_gpus_are_noted() -> None:
    assert horovod(3, processCount=2).notes == ("1 of 3 nodes start no process: processCount is 2",)
    assert horovod(2, gpus=1, processCount=4).notes == (
        "more processes than GPUs on a node: some will share a GPU",
    )


def test_every_variable_is_forwarded_by_name_only() -> None:
    variables = [{"name": "MINE", "value": "v 1"}, {"name": "OMPI_MCA_btl", "value": "tcp"}]
    secrets = [{"name": "TOKEN", "value": "s3cret"}]
    spec_extras: dict[str, Any] = {"environmentVariables": variables, "secrets": secrets}
    result = horovod(2, **spec_extras)
    line = words(result)
    forwarded = [line[i + 1] for i, word in enumerate(line) if word == "-x"]
    expected = job_environment(job(2, **spec_extras), placement(2))
    # A node's own id and folders are the business of its sshd; Open MPI forwards OMPI_* by itself.
    of_the_node = {name for name, value in expected.items() if value.startswith("/root")}
    assert "AZ_BATCHAI_JOB_TEMP" in of_the_node
    assert set(forwarded) == set(expected) - of_the_node - {"AZ_BATCH_NODE_ID", "OMPI_MCA_btl"}
    assert {"AZ_BATCHAI_NUM_GPUS", "AZ_BATCH_HOST_LIST", "MINE", "TOKEN"} <= set(forwarded)
    assert "s3cret" not in repr(result) and "v 1" not in repr(result)


@pytest.mark.parametrize(
    ("settings", "command"),
    [
        (
            {"cntkSettings": {"configFilePath": "$C/x.cntk", "commandLineArgs": "a=1"}},
            "cntk configFile=$C/x.cntk a=1",
        ),
        ({"cntkSettings": {"pythonScriptFilePath": "x.py"}}, "python x.py"),
        (
            {
                "cntkSettings": {
                    "languageType": "Python",
                    "pythonScriptFilePath": "x.py",
                    "configFilePath": "y",
                }
            },
            "python x.py",
        ),
        (
            {"caffeSettings": {"configFilePath": "$C/solver.prototxt", "commandLineArgs": "-gpu all"}},
            "caffe train --solver=$C/solver.prototxt -gpu all",
        ),
        (
            {"caffeSettings": {"pythonScriptFilePath": "x.py", "pythonInterpreterPath": "python2"}},
            "python2 x.py",
        ),
        ({"chainerSettings": {"pythonScriptFilePath": "x.py", "commandLineArgs": "-g"}}, "python x.py -g"),
        ({"customMpiSettings": {"commandLine": "a && b | c"}}, "a && b | c"),
    ],
)
def test_the_command_of_each_toolkit_alone_and_under_mpirun(settings: Any, command: str) -> None:
    (alone,) = plan(job(1, **settings), placement(1)).processes
    assert alone.command == command
    many = plan(job(2, **settings), placement(2))
    assert words(many)[-3:] == ["bash", "-c", f"{AT_WORK}{command}"]
    assert many.processes[0].log_name("stderr") == "stderr.txt"


@pytest.mark.parametrize("nodes", [1, 2])
def test_a_custom_command_that_begins_with_options_is_mpiruns_own(nodes: int) -> None:
    settings = {"commandLine": "  -x NCCL_DEBUG=INFO python x.py"}
    line = words(plan(job(nodes, customMpiSettings=settings), placement(nodes)))
    assert line[:4] == ["mpirun", "--allow-run-as-root", "-n", str(nodes)]
    assert line[-4:] == ["-x", "NCCL_DEBUG=INFO", "python", "x.py"]
