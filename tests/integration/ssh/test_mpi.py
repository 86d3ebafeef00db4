"""Debian's Open MPI between two nodes of a job, by the lines that launch plans hold."""

import re
from pathlib import Path
from typing import Any

import pytest

from shared.launch.planning import plan
from tests.integration.ssh.conftest import LinkedNode, Pair
from tests.support.placements import job

FOUR_RANKS = {(0, "node-0"), (1, "node-0"), (2, "node-1"), (3, "node-1")}


def launched(leader: LinkedNode, **settings: Any) -> str:
    """What the leader's process of the plan prints."""
    steps = plan(job(2, **settings), leader.placement, base=leader.step_host.base)
    for path, content in steps.files.items():
        Path(path).write_text(content)
    (process,) = steps.processes
    return leader.run(process.command)


def sums(output: str) -> set[tuple[int, str]]:
    """Rank and node of every line that has the right sum."""
    found = re.findall(r"^rank (\d) of 4 on (\S+): sum 10$", output, re.MULTILINE)
    return {(int(rank), node) for rank, node in found}


def test_an_allreduce_over_two_nodes_with_two_processes_each(pair: Pair, allreduce: Path) -> None:
    with pair.linked() as (leader, _):
        output = launched(leader, customMpiSettings={"commandLine": str(allreduce), "processCount": 4})
        assert sums(output) == FOUR_RANKS


@pytest.mark.parametrize("addresses", [("127.0.0.1", "127.0.0.1"), ("127.0.0.2", "127.0.0.1")])
def test_runners_that_share_a_machine_are_two_nodes(
    pair: Pair, allreduce: Path, addresses: tuple[str, str]
) -> None:
    pair.addresses = addresses
    with pair.linked() as (leader, _):
        output = launched(leader, customMpiSettings={"commandLine": str(allreduce), "processCount": 4})
        assert sums(output) == FOUR_RANKS


@pytest.mark.parametrize(
    "settings",
    [
        {"horovodSettings": {"pythonScriptFilePath": "@", "pythonInterpreterPath": "exec"}},
        {"chainerSettings": {"pythonScriptFilePath": "@", "pythonInterpreterPath": "exec"}},
        {"cntkSettings": {"pythonScriptFilePath": "@", "pythonInterpreterPath": "exec"}},
        {"caffeSettings": {"pythonScriptFilePath": "@", "pythonInterpreterPath": "exec"}},
    ],
)
@pytest.mark.parametrize("pair", ["own"], indirect=True)  # whose user runs a line is the same for all: above
def test_every_mpi_toolkit_has_a_line_that_mpirun_accepts(
    pair: Pair, allreduce: Path, settings: dict[str, dict[str, str]]
) -> None:
    ((name, values),) = settings.items()
    filled = {key: value.replace("@", str(allreduce)) for key, value in values.items()}
    with pair.linked() as (leader, _):
        assert sums(launched(leader, **{name: {**filled, "processCount": 4}})) == FOUR_RANKS


def test_each_rank_has_the_variables_and_the_working_directory_of_its_node(pair: Pair) -> None:
    command = 'echo "$OMPI_COMM_WORLD_RANK $AZ_BATCHAI_JOB_TEMP $PWD"'
    with pair.linked() as (leader, helper):
        output = launched(leader, customMpiSettings={"commandLine": command})
        assert sorted(output.splitlines()) == [
            f"0 {leader.layout.job_temp} {leader.layout.working_directory}",
            f"1 {helper.layout.job_temp} {helper.layout.working_directory}",
        ]


def test_a_users_own_mpirun_finds_the_nodes(pair: Pair, allreduce: Path) -> None:
    with pair.linked() as (leader, _):
        words = "--oversubscribe -n 4 --mca btl self,tcp --mca btl_tcp_if_include lo"
        line = f"mpirun --allow-run-as-root {words} --hostfile $AZ_BATCHAI_MPI_HOST_FILE {allreduce}"
        output = launched(leader, customToolkitSettings={"commandLine": line})
        assert len(re.findall("of 4 on node-[01]: sum 10", output)) == 4


def test_a_rank_that_fails_fails_the_job(pair: Pair) -> None:
    command = 'if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then exit 7; fi'
    with pair.linked() as (leader, _):
        steps = plan(job(2, customMpiSettings={"commandLine": command}), leader.placement)
        for path, content in steps.files.items():
            Path(path).write_text(content)
        said = leader.run(steps.processes[0].command, code=7)
        # Of its two messages mpirun prints the second, with the code, only where it has the time.
        assert re.search(r"returned\s+a non-zero exit code", said)
        assert {*re.findall(r"Exit code: +(\d+)", said)} <= {"7"}
        assert "deprecated" not in said
