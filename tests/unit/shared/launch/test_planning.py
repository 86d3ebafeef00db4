"""shared.launch: what holds for the plans of all toolkits."""

from typing import Any

import pytest

from shared.documents.spec import TOOL_TYPES
from shared.errors import LaunchError
from shared.launch.plan import execution_log_name, preparation_log_name
from shared.launch.planning import TOOLKITS, plan
from tests.support.cases import cases
from tests.support.placements import TEMP, job, placement

SETTINGS: dict[str, dict[str, str]] = {
    "cntkSettings": {"pythonScriptFilePath": "x.py"},
    "pyTorchSettings": {"pythonScriptFilePath": "x.py"},
    "tensorFlowSettings": {"pythonScriptFilePath": "x.py"},
    "caffeSettings": {"pythonScriptFilePath": "x.py"},
    "caffe2Settings": {"pythonScriptFilePath": "x.py"},
    "chainerSettings": {"pythonScriptFilePath": "x.py"},
    "horovodSettings": {"pythonScriptFilePath": "x.py"},
    "customMpiSettings": {"commandLine": "run"},
    "customToolkitSettings": {"commandLine": "run"},
}


def test_every_toolkit_of_the_document_has_a_module() -> None:
    assert set(TOOLKITS) == set(TOOL_TYPES.values())


@cases("nodes", [1, 2, 5])
@cases("toolkit", SETTINGS)
def test_every_plan_is_sound(toolkit: str, nodes: int) -> None:
    secret = {"name": "TOKEN", "value": "s3cret"}
    spec = job(nodes, **{toolkit: SETTINGS[toolkit]}, secrets=[secret])
    result = plan(spec, placement(nodes, gpus=2))
    assert result.tool_type == spec.toolkit[0]
    assert len({process.name for process in result.processes}) == len(result.processes)
    assert all(0 <= process.node < nodes for process in result.processes)
    assert any(process.essential for process in result.processes)
    assert "s3cret" not in repr(result)
    assert result == plan(spec, placement(nodes, gpus=2, index=nodes - 1))


def test_a_custom_command_runs_once_on_the_leader() -> None:
    spec = job(3, customToolkitSettings={"commandLine": "cd /x && ./go | tee log"})
    result = plan(spec, placement(3, gpus=4))
    (process,) = result.processes
    assert (process.name, process.node, process.role) == ("", 0, "command")
    assert process.command == "cd /x && ./go | tee log"
    assert process.environment == {}
    assert "the other 2" in result.notes[0]
    # For an mpirun of the user's own: as many slots as GPUs.
    assert result.files[f"{TEMP}/hostfile"] == "".join(f"10.0.0.{4 + i} slots=4\n" for i in range(3))


def test_a_machine_without_gpus_has_one_slot() -> None:
    assert plan(job(), placement()).files == {f"{TEMP}/hostfile": "10.0.0.4 slots=1\n"}


def test_the_preparation_and_the_interpreter_are_taken_over() -> None:
    spec = job(
        chainerSettings={"pythonScriptFilePath": "x.py"},
        jobPreparation={"commandLine": "apt update; pip install y"},
    )
    result = plan(spec, placement(), python="python3")
    assert result.preparation == "apt update; pip install y"
    assert result.processes[0].command == "python3 x.py"
    assert plan(job(), placement()).preparation is None


def test_variables_the_service_sets_itself_are_noted() -> None:
    spec = job(environmentVariables=[{"name": "AZ_BATCHAI_JOB_TEMP", "value": "/x"}])
    assert plan(spec, placement()).notes == (
        "AZ_BATCHAI_JOB_TEMP is set by the service, not by the document",
    )


def test_a_placement_of_another_size_is_refused() -> None:
    with pytest.raises(LaunchError, match="wants 2 nodes, but 1 were given"):
        plan(job(2), placement(1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"caffeSettings": {}}, "configFilePath or .pythonScriptFilePath"),
        ({"cntkSettings": {}}, "cntkSettings.configFilePath"),
        ({"cntkSettings": {"languageType": "Python"}}, "cntkSettings.pythonScriptFilePath"),
    ],
)
def test_a_toolkit_without_a_program_is_refused(settings: Any, message: str) -> None:
    with pytest.raises(LaunchError, match=message):
        plan(job(1, **settings), placement())


def test_logs_of_preparation_and_runner_name_the_node_only_where_there_are_several() -> None:
    alone, second = placement(), placement(2, index=1)
    assert preparation_log_name("stdout", alone) == "stdout-job_prep.txt"
    assert preparation_log_name("stderr", second) == "stderr-job_prep-node-1.txt"
    assert execution_log_name(alone) == "execution.log"
    assert execution_log_name(second) == "execution-node-1.log"
