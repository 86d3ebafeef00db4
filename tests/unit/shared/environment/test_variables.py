"""shared.environment.variables: which variables a job sees, and their values."""

import tracemalloc
from collections.abc import Callable

import pytest

from shared.environment.variables import (
    endpoint,
    ignored_variables,
    job_environment,
    job_paths,
    log_directory,
    output_directories,
    process_environment,
)
from shared.errors import LaunchError
from tests.support.placements import SEGMENT, TEMP, job, placement


def test_a_bare_job_has_the_documented_variables() -> None:
    assert job_environment(job(2), placement(2, gpus=4, index=1)) == {
        "AZ_BATCHAI_MOUNT_ROOT": "/root/mounts",
        "AZ_BATCHAI_JOB_MOUNT_ROOT": f"{TEMP}/mounts",
        "AZ_BATCHAI_JOB_TEMP": TEMP,
        "AZ_BATCHAI_JOB_TEMP_DIR": "/root/jobs",
        "AZ_BATCHAI_SHARED_JOB_TEMP": f"{TEMP}/shared",
        "AZ_BATCHAI_STDOUTERR_DIR": f"/logs/{SEGMENT}/stdouterr",
        "AZ_BATCHAI_MPI_HOST_FILE": f"{TEMP}/hostfile",
        "AZ_BATCHAI_PREEMPTION_NOTICE": f"{TEMP}/preemption-notice.json",
        "AZ_BATCHAI_METRICS_FILE": f"{TEMP}/metrics.jsonl",
        "AZ_BATCHAI_NUM_GPUS": "4",
        "AZ_BATCHAI_NUM_GPUS_PER_NODE": "4",
        "AZ_BATCH_HOST_LIST": "10.0.0.4,10.0.0.5",
        "AZ_BATCH_NODE_ID": "node-1",
        "AZ_BATCH_MASTER_NODE": "10.0.0.4:2222",
        "AZ_BATCHAI_JOB_WORK_DIR": f"{TEMP}/wd",
        "AZ_BATCHAI_JOB_NAME": "job",
        "AZ_BATCHAI_CLUSTER_NAME": "gpus",
        "AZ_BATCHAI_MPI_MASTER_NODE": "10.0.0.4",
        "AZ_BATCHAI_JOB_MASTER_NODE_IP": "10.0.0.4",
        "AZ_BATCHAI_ATTEMPT": "2",
    }


def test_directories_have_variables_by_their_ids_and_are_expanded() -> None:
    spec = job(
        stdOutErrPathPrefix="$AZ_BATCHAI_JOB_MOUNT_ROOT/logs/",
        inputDirectories=[
            {"id": "DATA", "path": "${AZ_BATCHAI_MOUNT_ROOT}/nfs/data.bin"},
            {"id": "lower", "path": "$AZ_BATCHAI_INPUT_DATA.idx"},
            {"id": "GONE", "path": "$NOT_DECLARED"},
        ],
        outputDirectories=[
            {"id": "MODEL", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs", "pathSuffix": "Models"},
            {"id": "PLAIN", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs/"},
        ],
    )
    mounts = f"{TEMP}/mounts"
    values = job_environment(spec, placement())
    assert values["AZ_BATCHAI_STDOUTERR_DIR"] == f"{mounts}/logs/{SEGMENT}/stdouterr"
    assert values["AZ_BATCHAI_INPUT_DATA"] == "/root/mounts/nfs/data.bin"
    assert values["AZ_BATCHAI_INPUT_lower"] == "/root/mounts/nfs/data.bin.idx"
    assert values["AZ_BATCHAI_INPUT_GONE"] == ""
    assert values["AZ_BATCHAI_OUTPUT_MODEL"] == f"{mounts}/logs/{SEGMENT}/outputs/Models"
    assert values["AZ_BATCHAI_OUTPUT_PLAIN"] == f"{mounts}/logs/{SEGMENT}/outputs"
    assert log_directory(spec, placement()) == values["AZ_BATCHAI_STDOUTERR_DIR"]
    assert output_directories(spec, placement()) == {
        "MODEL": values["AZ_BATCHAI_OUTPUT_MODEL"],
        "PLAIN": values["AZ_BATCHAI_OUTPUT_PLAIN"],
    }
    assert job_paths(spec, placement()).inputs["DATA"] == "/root/mounts/nfs/data.bin"


@pytest.mark.parametrize("prefix", ["logs", "$UNKNOWN", "\\$AZ_BATCHAI_MOUNT_ROOT/x"])
def test_a_folder_that_is_not_absolute_is_refused_with_its_name(prefix: str) -> None:
    with pytest.raises(LaunchError, match=r"stdOutErrPathPrefix is .* absolute"):
        job_environment(job(stdOutErrPathPrefix=prefix), placement())
    with pytest.raises(LaunchError, match=r"output directory OUT .* absolute"):
        job_environment(job(outputDirectories=[{"id": "OUT", "pathPrefix": prefix}]), placement())


def test_user_variables_refer_to_ours_to_earlier_ones_and_to_the_machines() -> None:
    spec = job(
        environmentVariables=[
            {"name": "LATER", "value": "[$FIRST]"},
            {"name": "FIRST", "value": "$AZ_BATCHAI_JOB_TEMP/x"},
            {"name": "SECOND", "value": "${FIRST}/y"},
            {"name": "PATH", "value": "/opt/bin:$PATH"},
            {"name": "PATH", "value": "/more:$PATH"},
        ]
    )
    values = job_environment(spec, placement(), base={"PATH": "/usr/bin", "HOME": "/root"})
    assert values["LATER"] == "[]"
    assert values["SECOND"] == f"{TEMP}/x/y"
    assert values["PATH"] == "/more:/opt/bin:/usr/bin"
    assert "HOME" not in values


def test_odd_values_come_through_unchanged() -> None:
    odd = "a 'b' \"c\" `d` $(e) ; | & # * ~ \\n \n\t{} é"
    spec = job(environmentVariables=[{"name": "ODD", "value": odd}])
    assert job_environment(spec, placement())["ODD"] == odd


def test_the_document_cannot_replace_what_the_service_sets() -> None:
    spec = job(
        tensorFlowSettings={"pythonScriptFilePath": "x.py"},
        environmentVariables=[
            {"name": "AZ_BATCHAI_JOB_TEMP", "value": "/elsewhere"},
            {"name": "AZ_BATCHAI_MINE", "value": "kept"},
            {"name": "KERAS_BACKEND", "value": "theano"},
        ],
        secrets=[{"name": "AZ_BATCH_NODE_ID", "value": "s"}],
    )
    values = job_environment(spec, placement())
    assert values["AZ_BATCHAI_JOB_TEMP"] == TEMP
    assert values["AZ_BATCH_NODE_ID"] == "node-0"
    assert values["AZ_BATCHAI_MINE"] == "kept"
    assert values["KERAS_BACKEND"] == "theano"
    assert ignored_variables(spec, placement()) == ("AZ_BATCHAI_JOB_TEMP", "AZ_BATCH_NODE_ID")


def test_secrets_are_literal_and_win_over_variables() -> None:
    spec = job(
        environmentVariables=[{"name": "TOKEN", "value": "public"}],
        secrets=[{"name": "TOKEN", "value": "pa$AZ_BATCHAI_JOB_TEMP$$\\$"}],
    )
    assert job_environment(spec, placement())["TOKEN"] == "pa$AZ_BATCHAI_JOB_TEMP$$\\$"


def test_an_unresolved_secret_stops_the_job() -> None:
    reference = {"sourceVault": {"id": "/v"}, "secretUrl": "https://v.vault.azure.net/secrets/s"}
    with pytest.raises(LaunchError, match="TOKEN has no value yet"):
        job_environment(job(secrets=[{"name": "TOKEN", "valueSecretReference": reference}]), placement())


@pytest.mark.parametrize(
    ("settings", "backend"),
    [("tensorFlowSettings", "tensorflow"), ("cntkSettings", "cntk"), ("chainerSettings", None)],
)
def test_keras_is_given_its_backend(settings: str, backend: str | None) -> None:
    spec = job(1, **{settings: {"pythonScriptFilePath": "x.py"}})
    assert job_environment(spec, placement()).get("KERAS_BACKEND") == backend


def test_a_process_gets_only_what_differs() -> None:
    spec = job(
        environmentVariables=[
            {"name": "RANK", "value": "r$AZ_BATCHAI_TASK_INDEX"},
            {"name": "TF_CONFIG", "value": "mine"},
            {"name": "FIXED", "value": "f"},
        ]
    )
    own = {"AZ_BATCHAI_TASK_INDEX": "3", "TF_CONFIG": "ours"}
    assert process_environment(spec, placement(), own) == {"AZ_BATCHAI_TASK_INDEX": "3", "RANK": "r3"}
    assert job_environment(spec, placement())["RANK"] == "r"


def test_endpoints_of_every_kind_of_address() -> None:
    assert endpoint("10.0.0.4", 2222) == "10.0.0.4:2222"
    assert endpoint("fe80::1", 2222) == "[fe80::1]:2222"
    assert endpoint("node-1", 1) == "node-1:1"


def _nested(levels: int, reference: str, first: str = "x" * 10) -> list[tuple[str, str]]:
    """(name, value) of variables each of which holds the one before it ten times."""
    return [(f"V{n}", reference.replace("#", f"V{n - 1}") * 10 if n else first) for n in range(levels)]


def _peak(call: Callable[[], object]) -> int:
    """The bytes that were held at once, at most, until `call` raised LaunchError."""
    tracemalloc.start()
    try:
        with pytest.raises(LaunchError) as reported:
            call()
        assert "131,072 bytes" in str(reported.value) and len(str(reported.value)) < 500
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_variables_of_variables_do_not_take_the_memory_of_the_machine() -> None:
    values = [{"name": name, "value": value} for name, value in _nested(8, "$#")]
    assert _peak(lambda: job_environment(job(environmentVariables=values), placement())) < 4_000_000
    paths = [{"id": name, "path": value} for name, value in _nested(8, "$AZ_BATCHAI_INPUT_#")]
    assert _peak(lambda: job_paths(job(inputDirectories=paths), placement())) < 4_000_000


def test_all_variables_together_have_a_limit_too() -> None:
    values = [{"name": f"V{n}", "value": "x" * 100_000} for n in range(11)]
    secrets = [{"name": f"V{n}", "value": "x" * 100_000} for n in range(11)]
    with pytest.raises(LaunchError, match=r"variable 'V10' and those before it .* 1,048,576 bytes in all"):
        job_environment(job(environmentVariables=values), placement())
    with pytest.raises(LaunchError, match=r"secret 'V10' and those before it .* 1,048,576 bytes in all"):
        job_environment(job(secrets=secrets), placement())
    assert job_environment(job(environmentVariables=values[:10]), placement())["V9"] == "x" * 100_000
