"""What variables come to is reported on submission, where the document says so."""

from typing import Any

import pytest

from shared.errors import Severity
from tests.support.documents import CLUSTER, changed, cluster, job, problems_of

_LONG = "comes out longer than 131,072 bytes with its variables filled in; no process can be given that."


def _reported(**members: Any) -> list[str]:
    return [
        text.removesuffix(" Put it into a file on a volume.")
        for text in problems_of(job(**members), Severity.ERROR)
    ]


def test_variables_of_variables() -> None:
    values = [{"name": f"V{n}", "value": f"$V{n - 1}" * 10 if n else "x" * 10} for n in range(9)]
    assert _reported(environmentVariables=values) == [
        f"environmentVariables[{n}].value: value {_LONG}" for n in range(5, 9)
    ]


def test_inputs_of_inputs_and_outputs_of_inputs() -> None:
    def of(name: str) -> str:
        return "/".join([f"$AZ_BATCHAI_INPUT_{name}"] * 40)

    paths = ["x" * 220, of("I0"), of("I1")]
    inputs = [{"id": f"I{n}", "path": path} for n, path in enumerate(paths)]
    outputs = [{"id": "O", "pathPrefix": "$AZ_BATCHAI_INPUT_I2", "pathSuffix": "$AZ_BATCHAI_INPUT_I2"}]
    found = _reported(inputDirectories=inputs, outputDirectories=outputs)
    assert found == [
        f"inputDirectories[2].path: path {_LONG}",
        f"outputDirectories[0].pathPrefix: pathPrefix {_LONG}",
    ]


def test_all_of_them_together() -> None:
    values = [{"name": f"V{n}", "value": "x" * 40_000 if n == 0 else "$V0$V0$V0"} for n in range(12)]
    found = _reported(environmentVariables=values)
    assert found == [
        "environmentVariables[9].value: value and those before it bring the variables of the job to more "
        "than 1,048,576 bytes in all."
    ]


def test_a_variable_that_is_set_again_counts_once_and_one_of_the_service_not_at_all() -> None:
    again = [{"name": "A", "value": "x" * 40_000}, *[{"name": "V", "value": "$A$A$A"}] * 12]
    assert _reported(environmentVariables=again) == []
    ours = [
        {"name": "AZ_BATCHAI_JOB_TEMP", "value": "x" * 100_000},
        {"name": "V", "value": "$AZ_BATCHAI_JOB_TEMP" * 1_000},
    ]
    assert _reported(environmentVariables=ours) == []


@pytest.mark.parametrize("count", [9, 10])
def test_the_setup_task_of_a_cluster(count: int) -> None:
    values = [{"name": f"V{n}", "value": "$V0$V0$V0" if n else "x" * 40_000} for n in range(count)]
    task = {"commandLine": "true", "stdOutErrPathPrefix": "/x", "environmentVariables": values}
    found = problems_of(cluster(**changed(CLUSTER, nodeSetup={"setupTask": task})), Severity.ERROR)
    assert [text.partition(":")[0] for text in found] == (
        ["nodeSetup.setupTask.environmentVariables[9].value"] if count == 10 else []
    )
