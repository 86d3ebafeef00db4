"""batchai explain: what it says, in which form, with which exit code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.explain import command
from shared.explain.text import visible, wrapped

BASE: dict[str, Any] = {
    "nodeCount": 2,
    "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs",
    "horovodSettings": {"pythonScriptFilePath": "train.py"},
    "mountVolumes": {
        "azureFileShares": [
            {
                "accountName": "acct",
                "azureFileUrl": "https://acct.file.core.windows.net/logs",
                "relativeMountPath": "logs",
                "credentials": {"accountKey": "a2V5LWtleQ=="},
            }
        ],
        "unmanagedFileSystems": [
            {"mountCommand": "mount -t cifs -o user=u,password=hunter2 //nas/x", "relativeMountPath": "nas"}
        ],
    },
    "inputDirectories": [
        {"id": "A", "path": "$AZ_BATCHAI_JOB_MOUNT_ROOT/nas/a"},
        {"id": "B", "path": "$AZ_BATCHAI_MOUNT_ROOT/nfs/b"},
        {"id": "C", "path": "$AZ_BATCHAI_JOB_MOUNT_ROOT/nasty"},
    ],
    "outputDirectories": [
        {"id": "MODEL", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs", "pathSuffix": "m"}
    ],
    "environmentVariables": [{"name": "MINE", "value": "x-$AZ_BATCHAI_ATTEMPT"}],
    "secrets": [
        {"name": "TOKEN", "value": "s3cret-value"},
        {
            "name": "VAULTED",
            "valueSecretReference": {
                "sourceVault": {"id": "/subscriptions/s/vaults/v"},
                "secretUrl": "https://v.vault.azure.net/secrets/s",
            },
        },
    ],
}
SEGMENT = "<subscription>/<resource-group>/workspaces/<workspace>/experiments/<experiment>/jobs/<job>/<uuid>"


def explain(properties: dict[str, Any] | str, *options: str) -> Result:
    text = properties if isinstance(properties, str) else json.dumps({"properties": properties})
    return CliRunner().invoke(command, ["-", *options], input=text)


def as_json(properties: dict[str, Any], *options: str) -> dict[str, Any]:
    result = explain(properties, "-o", "json", *options)
    assert result.exit_code == 0, result.output
    values: dict[str, Any] = json.loads(result.output)
    return values


def test_the_json_form_has_these_members() -> None:
    message = as_json(BASE)
    assert list(message) == ["file", "accepted", "problems", "job"]
    assert list(message["job"]) == [
        "toolType",
        "nodeCount",
        "gpusPerNode",
        "image",
        "priority",
        "maxWallClockTime",
        "volumes",
        "folders",
        "environment",
        "secrets",
        "preparation",
        "nodes",
        "files",
        "notes",
    ]
    leader, helper = message["job"]["nodes"]
    assert leader["environment"] == {"AZ_BATCH_NODE_ID": "node-0"}
    assert helper["processes"] == []
    (process,) = leader["processes"]
    assert list(process) == ["name", "command", "environment", "role", "essential", "stdout", "stderr"]
    assert (process["role"], process["stdout"]) == ("mpi", "stdout.txt")


def test_folders_are_full_paths_and_say_what_they_lie_on() -> None:
    root = "/mnt/batch/tasks/shared/LS_root"
    mounts = f"{root}/jobs/<workspace>/<experiment>/<job>/mounts"
    folders = as_json(BASE)["job"]["folders"]
    assert [(f["variable"], f["path"], f["on"]) for f in folders] == [
        ("AZ_BATCHAI_STDOUTERR_DIR", f"{mounts}/logs/{SEGMENT}/stdouterr", "job volume"),
        ("AZ_BATCHAI_INPUT_A", f"{mounts}/nas/a", "job volume"),
        ("AZ_BATCHAI_INPUT_B", f"{root}/mounts/nfs/b", "cluster volume"),
        ("AZ_BATCHAI_INPUT_C", f"{mounts}/nasty", "node"),
        ("AZ_BATCHAI_OUTPUT_MODEL", f"{mounts}/logs/{SEGMENT}/outputs/m", "job volume"),
    ]


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_shown_and_every_secret_is_named(form: str) -> None:
    output = explain(BASE, "-o", form).output
    for value in ("s3cret-value", "a2V5LWtleQ", "hunter2"):
        assert value not in output
    for name in ("TOKEN", "VAULTED"):
        assert re.search(rf'{name}"?:? +"?\*\*\*', output)


def test_nodes_and_gpus_replace_what_the_document_says() -> None:
    job = as_json(BASE, "--nodes", "3", "--gpus", "4")["job"]
    assert (job["nodeCount"], job["gpusPerNode"], len(job["nodes"])) == (3, 4, 3)
    assert "-n 3 " in job["nodes"][0]["processes"][0]["command"]
    assert job["environment"]["AZ_BATCHAI_NUM_GPUS"] == "4"
    alone = as_json(BASE, "--nodes", "1")["job"]
    assert [p["command"] for p in alone["nodes"][0]["processes"]] == ["python train.py"]


def test_a_container_is_reported_in_the_cloud_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    container = {"accountName": "acct", "containerName": "data", "relativeMountPath": "data"}
    volumes = {"mountVolumes": {"azureBlobFileSystems": [container]}}
    source = as_json(BASE | volumes)["job"]["volumes"][0]["source"]
    assert source == "https://acct.blob.core.windows.net/data"
    monkeypatch.setenv("BATCHAI_STORAGE__blobServiceUri", "https://state.blob.core.chinacloudapi.cn")
    source = as_json(BASE | volumes)["job"]["volumes"][0]["source"]
    assert source == "https://acct.blob.core.chinacloudapi.cn/data"


def test_the_text_form_shows_a_person_everything() -> None:
    result = explain(BASE | {"jobPreparation": {"commandLine": "pip install x"}})
    assert result.exit_code == 0
    for line in (
        "horovod on 2 nodes",
        "  $AZ_BATCHAI_JOB_MOUNT_ROOT/logs  (azureFileShare)",
        "      from https://acct.file.core.windows.net/logs",
        "      from mount -t cifs -o user=u,password=*** //nas/x",
        "  input $AZ_BATCHAI_INPUT_B (the cluster must mount it)",
        "  input $AZ_BATCHAI_INPUT_C (on the node's own disk)",
        "  $AZ_BATCHAI_JOB_TEMP/hostfile holds 10.0.0.4 slots=1, 10.0.0.5 slots=1",
        "Node 0 (10.0.0.4, the leader)",
        "  first jobPreparation -> stdout-job_prep-node-1.txt, stderr-job_prep-node-1.txt",
        "  mpirun, which starts all ranks -> stdout.txt, stderr.txt",
        "  mpirun starts ranks here",
    ):
        assert line in result.output.splitlines()
    assert re.search(r"^  MINE +x-1$", result.output, re.MULTILINE)


def test_common_variables_are_reported_once_and_the_others_with_their_process() -> None:
    settings = {"pythonScriptFilePath": "x.py"}
    output = explain(_only("tensorFlowSettings", settings)).output
    assert output.count("AZ_BATCHAI_PS_HOSTS ") == 1
    assert output.count("TF_CONFIG ") == 3
    assert "parameter server ps-0 -> stdout-ps-0.txt, stderr-ps-0.txt" in output


def _only(toolkit: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in BASE.items() if key != "horovodSettings"} | {toolkit: settings}


def test_a_faulty_document_is_reported_first_and_exits_with_1() -> None:
    result = explain(BASE | {"nodeCount": "two"})
    assert result.exit_code == 1
    assert "cannot run" in result.output.splitlines()[0]
    assert "error: line 1, column" in result.output and "$.properties.nodeCount" in result.output
    values = json.loads(explain("{", "-o", "json").output)
    assert (values["accepted"], values["job"]) == (False, None)
    assert values["problems"]


def test_what_cannot_be_started_is_a_problem_too() -> None:
    settings = {"pythonScriptFilePath": "x.py", "workerCount": 2}
    document = _only("tensorFlowSettings", settings)
    assert explain(document).exit_code == 0
    result = explain(document, "--nodes", "1", "--gpus", "1", "-o", "json")
    assert result.exit_code == 1
    assert "workerCount is 2" in json.loads(result.output)["problems"][-1]["message"]


@pytest.mark.parametrize("options", [["--nodes", "0"], ["--gpus", "many"], ["-o", "xml"], ["no-such-file"]])
def test_wrong_usage_exits_with_2(options: list[str]) -> None:
    assert (
        CliRunner().invoke(command, [*([] if "no-such-file" in options else ["-"]), *options]).exit_code == 2
    )


def test_help_has_an_example() -> None:
    assert "Example: batchai explain job.json" in CliRunner().invoke(command, ["--help"]).output


def test_a_document_cannot_drive_the_terminal() -> None:
    document = BASE | {"environmentVariables": [{"name": "E", "value": "\x1b[2J[red]\x07\r\n\u202e"}]}
    output = explain(document).output
    assert "\x1b" not in output and "\u202e" not in output
    assert r"\x1b[2J[red]\x07\r\n\u202e" in output
    assert visible("a\tb é 漢") == r"a\tb é 漢"


def test_long_lines_break_at_spaces_slashes_and_commas() -> None:
    assert wrapped("a" * 18 + "/bbb,ccc ddd", 20) == ["a" * 18 + "/", "bbb,ccc ddd"]
    assert wrapped("a" * 45, 20) == ["a" * 20, "a" * 20, "a" * 5]
    assert "".join(wrapped("/x/y, z " * 40, 33)) == "/x/y, z " * 40
    assert wrapped("", 20) == []


def test_every_recipe_reads_well_at_100_columns(corpus: Path) -> None:
    recipes = sorted((corpus / "recipes").glob("recipes__*job*.json"))
    assert len(recipes) == 17
    for recipe in recipes:
        with recipe.open("rb") as file:
            result = CliRunner().invoke(command, ["-"], input=file)
        assert result.exit_code == 0, (recipe.name, result.output)
        assert max(len(line) for line in result.output.splitlines()) <= 100
        assert not any(line != line.rstrip() for line in result.output.splitlines())
