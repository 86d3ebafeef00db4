"""infra/ holds together, and what it makes and sets is what the code needs and reads."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from scripts.check_infra import findings, given_to, parsed
from shared.managers import auto_storage
from shared.settings import Settings
from shared.settings_reader import settings_from
from shared.stores import cluster_table, gang_table, job_table, node_table, workspace_table

PROJECT = Path(__file__).parents[2]
INFRA = PROJECT / "infra"
MODULES = sorted(INFRA.glob("modules/*.bicep"))
#: What others read: the Functions host, Application Insights, the workers.
OTHERS = ("AzureWebJobsStorage__", "APPLICATIONINSIGHTS_", "PYTHON_", "BATCHAI_STORAGE__credential")
#: Read by the identity and the installation of a runner: names that were agreed for them.
AGREED = (
    "BATCHAI_STORAGE__clientId",
    "BATCHAI_SEALING_KEYS_SECRET",
    *(f"BATCHAI_STORAGE__{service}ServiceUri" for service in ("blob", "file", "queue", "table")),
)
#: Of Azure's documentation; docs/reference/roles.md lists the same.
ROLES = {
    "blobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "blobDataContributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "blobDataReader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "queueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "queueDataMessageSender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    "tableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "filePrivilegedContributor": "69566ab7-960f-475b-8e7c-b3118f30c6bd",
    "filePrivilegedReader": "b8eda974-7b85-4f76-af95-65846b26df6d",
    "fileDelegator": "765a04e0-5de8-4bb2-9bf6-b2a30bc03e91",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}


def body(file: str, resource: str) -> dict[str, Any]:
    """What a resource of a module is given, in a loop or not."""
    found: dict[str, Any] = parsed(INFRA / "modules" / f"{file}.bicep")["resources"][resource]["config"]
    return dict(found["config"]) if "config" in found else found


def variable(name: str, file: Path = INFRA / "main.bicep") -> Any:
    return parsed(file)["variables"][name]["value"]


def runner_settings() -> dict[str, str]:
    lines: list[str] = variable("environment", INFRA / "modules" / "pool.bicep")
    return dict(line.split("=", 1) for line in lines)


def test_the_files_hold_together() -> None:
    assert findings(INFRA) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("token: token", "tokn: token", "module monitoring: it has no parameter tokn"),
        ("outputs.componentName", "outputs.component", "module monitoring: it has no output component"),
        ("location: location", "location: lokation", "lokation: nothing declares it"),
        ("modules/network.bicep", "modules/net.bicep", "module network: there is no"),
        ("    scope: group\n", "    scope: group\n  )\n", "cannot be parsed"),
    ],
)
def test_a_planted_fault_is_found(tmp_path: Path, old: str, new: str, found: str) -> None:
    for file in (INFRA / "main.bicep", *MODULES):
        copy = tmp_path / file.relative_to(INFRA)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(file.read_text("utf-8").replace(old, new), "utf-8")
    assert any(found in line for line in findings(tmp_path))


def test_no_account_is_opened_by_a_key() -> None:
    accounts = [
        (file.name, resource["config"])
        for file in (INFRA / "main.bicep", *MODULES)
        for resource in parsed(file).get("resources", {}).values()
        if resource["type"] == "Microsoft.Storage/storageAccounts" and not resource["existing"]
    ]
    assert [name for name, _ in accounts] == ["account.bicep"]
    assert accounts[0][1]["properties"]["allowSharedKeyAccess"] is False
    assert accounts[0][1]["properties"]["allowBlobPublicAccess"] is False
    assert body("monitoring", "component")["properties"]["DisableLocalAuth"] is True
    said = "".join(file.read_text("utf-8") for file in (INFRA / "main.bicep", *MODULES))
    assert not re.search(r"listKeys|AccountKey|listAccountSas", said)


def test_what_the_code_needs_is_made() -> None:
    named = (
        job_table.TABLE,
        cluster_table.TABLE,
        node_table.TABLE,
        gang_table.TABLE,
        workspace_table.TABLE,
    )
    assert set(variable("stateTables")) == set(named)
    wanted = Settings()
    containers = (wanted.jobs_container, wanted.clusters_container, wanted.accepted_container)
    assert set(variable("stateContainers")) == {*containers, "packages", "app-package"}
    assert variable("stateQueues") == ["drops", "drops-poison"]
    text = (INFRA / "main.bicep").read_text("utf-8")
    assert f"concat(['{auto_storage.CONTAINER}'], dataContainers)" in text
    assert f"concat(['{auto_storage.SHARE}'], dataShares)" in text


def test_what_decides_what_runs_cannot_be_mounted() -> None:
    reserved = settings_from(
        {"BATCHAI_STORAGE__accountName": "a", "BATCHAI_SEALING_KEYS": base64.b64encode(bytes(32)).decode()}
        | {"BATCHAI_RESERVED_NAMES": variable("reservedNames")}
    ).reserved_names
    assert {"packages", "app-package"} <= set(reserved)
    assert body("app", "settings")["properties"]["BATCHAI_RESERVED_NAMES"] == "reservedNames"
    assert runner_settings()["BATCHAI_RESERVED_NAMES"] == '"${reservedNames}"'


def test_every_setting_is_one_that_is_read() -> None:
    files = [file for part in ("shared", "runner", "api") for file in PROJECT.glob(f"{part}/**/*.py")]
    code = "".join(file.read_text("utf-8") for file in (*files, PROJECT / "function_app.py"))
    given = {**body("app", "settings")["properties"], **runner_settings()}
    unread = [
        name
        for name in given
        if not name.startswith(OTHERS)
        and name not in AGREED
        and f'"{name}"' not in code
        and f"%{name}%" not in code
    ]
    assert unread == []
    for needed in ("BATCHAI_STORAGE__accountName", "BATCHAI_LOCATION", "AZURE_BATCHAI_STORAGE_ACCOUNT"):
        assert needed in body("app", "settings")["properties"] and needed in runner_settings()


def test_the_app_is_the_plan_and_the_python_that_it_is_made_for() -> None:
    assert body("app", "plan")["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    config = body("app", "app")["properties"]["functionAppConfig"]
    assert config["runtime"] == {"name": "python", "version": "3.13"}
    assert config["deployment"]["storage"]["authentication"]["type"] == "UserAssignedIdentity"
    settings = body("app", "settings")["properties"]
    assert settings["BATCHAI_BLOB_SOURCE"] == "Queue"
    assert settings["BATCHAI_SEALING_KEYS"].startswith("@Microsoft.KeyVault(")
    # Flex Consumption refuses what older plans needed.
    assert not {"FUNCTIONS_WORKER_RUNTIME", "WEBSITE_RUN_FROM_PACKAGE"} & settings.keys()


def test_a_pool_holds_no_machine_and_can_be_found() -> None:
    pools = parsed(INFRA / "main.bicep")["parameters"]["pools"]["default"]
    assert [pool["capacity"] for pool in pools] == [0] * len(pools)
    machines = body("pool", "machines")
    assert machines["properties"]["orchestrationMode"] == "Flexible"
    image = machines["properties"]["virtualMachineProfile"]["storageProfile"]["imageReference"]
    assert image == {
        "publisher": "microsoft-dsvm",
        "offer": "ubuntu-hpc",
        "sku": "2404",
        "version": "latest",
    }
    tags = json.dumps(machines["tags"])
    assert "batchai-pool" in tags and "batchai-cluster" in tags
    priority = machines["properties"]["virtualMachineProfile"]["priority"]["operator"]["operands"]
    assert (priority["condition"], priority["true_value"]) == ("spot", "Spot")


def test_roles_have_their_ids() -> None:
    used = set()
    for file in MODULES:
        for name, about in parsed(file).get("variables", {}).items():
            if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(about["value"])):
                assert about["value"] == ROLES[name], f"{file.name}: {name}"
                used.add(name)
    assert used == set(ROLES)
    # Receive and delete alone: a runner could not renew its lease. Keys: nobody needs them.
    said = "".join(file.read_text("utf-8") for file in MODULES)
    assert "8a0f0c08-91a1-4084-bc3d-661d67233fed" not in said  # Queue Data Message Processor
    assert "17d1049b-9a84-46fb-8f53-869881c3d3ab" not in said  # Storage Account Contributor


def test_no_runner_may_write_what_runs() -> None:
    assert body("state-roles", "runnerFetches")["scope"] == "packages"
    on_account = variable("onAccount", INFRA / "modules" / "state-roles.bicep")
    of_runners = {one["role"] for one in on_account if one["who"] == "runnerPrincipalId"}
    assert of_runners == {"queueDataContributor", "tableDataContributor"}
    written = variable("written", INFRA / "modules" / "state-roles.bicep")
    assert written["function"]["parameters"]["arg_1"] == ["jobs", "accepted"]


def test_drops_go_to_the_queue_that_is_read_without_a_webhook() -> None:
    event = body("drops", "toQueue")["properties"]
    assert event["deliveryWithResourceIdentity"]["destination"]["endpointType"] == "StorageQueue"
    assert event["filter"]["includedEventTypes"] == ["Microsoft.Storage.BlobCreated"]
    begins, ends = event["filter"]["advancedFilters"]
    assert [value.split("/")[4] for value in begins["values"]] == ["jobs", "clusters"]
    assert ends["values"] == ["/job.json", "/cluster.json"]
    assert given_to(parsed(INFRA / "main.bicep")["modules"]["drops"])["queueName"] == "drops"


def test_the_sealing_key_is_made_once_and_opens() -> None:
    text = (INFRA / "modules" / "vault.bicep").read_text("utf-8")
    for name in ("sealingKeys", "password"):
        assert f"@onlyIfNotExists()\nresource {name} " in text
    for seed in ("seed", "secondSeed", "passwordSeed"):
        assert f"@secure()\nparam {seed} string = newGuid()" in text
    made = re.search(
        r"value: '\$\{take\(replace\('\$\{seed\}\$\{secondSeed\}', '-', ''\), (\d+)\)\}(.+)'", text
    )
    assert made
    guids = "0f8fad5b-d9cb-469f-a165-70867728950e7c9e6679-7425-40de-944b-e07fc1f90ae7"
    key = guids.replace("-", "")[: int(made[1])] + made[2]
    read = settings_from({"BATCHAI_STORAGE__accountName": "a", "BATCHAI_SEALING_KEYS": key})
    assert [len(one) for one in read.sealing_keys] == [32]


def test_nothing_secret_is_an_output() -> None:
    for file in (INFRA / "main.bicep", *MODULES):
        tree = parsed(file)
        secure = [n for n, p in tree.get("parameters", {}).items() if {"type": "secure"} in p["decorators"]]
        outputs = json.dumps(tree.get("outputs", {}))
        assert not [name for name in secure if name in outputs], file.name


def test_the_parameters_file_sets_what_is_declared() -> None:
    given = json.loads((INFRA / "main.parameters.json").read_text("utf-8"))["parameters"]
    declared = parsed(INFRA / "main.bicep")["parameters"]
    assert not given.keys() - declared.keys()
    assert [name for name, about in declared.items() if about["default"] is None] == [
        "environmentName",
        "location",
    ]
    for name, about in declared.items():
        assert any(one["type"] == "description" for one in about["decorators"]), name


def test_the_contents_of_cloud_init_are_put_in() -> None:
    pool = (INFRA / "modules" / "pool.bicep").read_text("utf-8")
    contents = re.findall(r"content: (\S+)", (INFRA / "cloud-init.yaml").read_text("utf-8"))
    assert [base64.b64decode(one).decode() for one in contents] == ["RUNNER_ENV", "FETCH_ENV", "FETCH_RUNNER"]
    for one in contents:
        assert f"'{one}', base64(" in pool
