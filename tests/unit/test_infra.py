"""infra/ holds together, and what it makes and sets is what the code needs and reads."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.config import config_from
from scripts.check_infra import findings, given_to, parsed
from shared.managers import auto_storage
from shared.names.limits import limits_from
from shared.names.node_prices import node_prices
from shared.settings import QUEUE, AccountEndpoints, Settings
from shared.settings_reader import drop_source, http_level, settings_from
from shared.stores import (
    cluster_table,
    gang_table,
    job_table,
    node_table,
    scale_sets,
    scaling_table,
    workspace_table,
)
from shared.stores.application_insights import Insights, insights_from
from shared.telemetry import switch
from shared.telemetry.switch import exporters_from

PROJECT = Path(__file__).parents[2]
INFRA = PROJECT / "infra"
MODULES = sorted(INFRA.glob("modules/*.bicep"))
#: What others read: the Functions host (its storage, its triggers' connection), its worker.
HOSTS = {
    "AzureWebJobsDisableHomepage",
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "PYTHON_THREADPOOL_THREAD_COUNT",
    "BATCHAI_STORAGE__credential",
}
CLIENT = "11111111-2222-3333-4444-555555555555"
#: What expressions of the modules come to.
STAND_FOR = {
    "accountName": "baistate",
    "dataAccountName": "baidata",
    "identityClientId": CLIENT,
    "sealingKeysUrl": "https://bai-x.vault.azure.net/secrets/sealing-keys",
    "pool.cluster": "default/gpus",
    "location": "westeurope",
    "reservedNames": "packages app-package",
    "insightsConnectionString": f"InstrumentationKey={CLIENT};IngestionEndpoint=https://w.in.example/",
    "httpAuth": "function",
    "httpRoles": "off",
    "eventsUrl": "https://receiver.example.com/hook",
    "eventsSecret": "whsec_" + "a2tr" * 10 + "a2s=",
    "sweepSchedule": "0 * * * * *",
    "subscription().subscriptionId": CLIENT,
    "resourceGroup().name": "rg-mine",
    "environment().resourceManager": "https://management.azure.com/",
    "string(defaultMostNodes)": "4",
    "string(keepDays)": "90",
    "string(keepOutputDays)": "30",
    "keepOutputDays": "30",
    "empty(operator.limits) ? '' : string(operator.limits)": '{"workspaces":{"*":{"nodes":20}}}',
    "empty(operator.nodePrices) ? '' : string(operator.nodePrices)": '{"currency":"EUR","prices":{}}',
    "telemetryExporter": "azure_monitor_opentelemetry_exporter",
}
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
    "virtualMachineContributor": "9980e02c-c2be-4d73-94e8-173b1dc7cf3c",
    "reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
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
        scaling_table.TABLE,
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


class Noting(dict[str, str]):
    """An environment that remembers which names it was asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)


def source(file: str) -> Iterator[tuple[str, str]]:
    """The settings of a module as they stand there: NAME: expression, or 'NAME=text'."""
    text = (INFRA / "modules" / f"{file}.bicep").read_text("utf-8")
    if file == "app":
        block = text.partition("name: 'appsettings'")[2].partition("\n  }\n")[0]
        for name, value in re.findall(r"^    (\w+): (.+)$", block, re.MULTILINE):
            yield name, value[1:-1] if value.startswith("'") else f"${{{value}}}"
    else:
        block = text.partition("var environment = [")[2].partition("\n]\n")[0]
        for name, value in re.findall(r"^  '(\w+)=(.*)'$", block, re.MULTILINE):
            yield name, value.strip('"')


def settings_of(file: str) -> Noting:
    """What the app or a runner is given, with values as a deployment has them."""

    def valued(match: re.Match[str]) -> str:
        expression = match[1]
        endpoint = re.fullmatch(r"account\.properties\.primaryEndpoints\.(\w+)", expression)
        return f"https://baistate.{endpoint[1]}.core.windows.net/" if endpoint else STAND_FOR[expression]

    return Noting({name: re.sub(r"\$\{([^}]+)\}", valued, value) for name, value in source(file)})


def test_what_the_app_is_given_is_read_and_accepted() -> None:
    given = settings_of("app")
    assert given.keys() == body("app", "settings")["properties"].keys()
    # The host puts the secret in the place of the reference.
    given["BATCHAI_SEALING_KEYS"] = base64.b64encode(bytes(32)).decode()
    read = settings_from(given)
    assert http_level(given) == "FUNCTION"
    assert drop_source(given) == read.drop_source == QUEUE
    assert_state(read)
    assert (read.keep_days, read.keep_output_days) == (90, 30)
    assert read.limits.workspaces["*"].nodes == 20
    assert read.node_prices.currency == "EUR"
    assert_telemetry(given)
    # The sweeper's schedule is read by the host, in the trigger's own words.
    schedules = (PROJECT / "function_app.py").read_text("utf-8")
    assert "%BATCHAI_SWEEP_SCHEDULE%" in schedules
    assert given.keys() - given.asked == HOSTS | {"BATCHAI_SWEEP_SCHEDULE"}


def test_what_an_operator_has_written_into_the_file_is_accepted() -> None:
    written = json.loads((INFRA / "operator.json").read_text("utf-8"))
    assert written.keys() == {"limits", "nodePrices"}
    limits_from(json.dumps(written["limits"]) if written["limits"] else "")
    node_prices(json.dumps(written["nodePrices"]) if written["nodePrices"] else "")


def test_what_a_runner_is_given_is_read_and_accepted() -> None:
    given = settings_of("pool")
    assert given.keys() == runner_settings().keys()
    read, config = settings_from(given), config_from(given, "", "vm-1", "", "")
    assert_state(read)
    assert read.sealing_keys_secret == STAND_FOR["sealingKeysUrl"]
    assert read.keep_output_days == 30
    assert_telemetry(given)
    assert str(config.cluster) == "default/gpus"
    assert insights_from(given) == Insights(given["APPLICATIONINSIGHTS_CONNECTION_STRING"], True, CLIENT)
    assert given.keys() - given.asked == set()


def assert_telemetry(given: Noting) -> None:
    assert exporters_from(given) == {switch.TRACES: switch.AZURE, switch.METRICS: switch.AZURE}
    assert exporters_from({**given, "OTEL_TRACES_EXPORTER": "", "OTEL_METRICS_EXPORTER": ""}) == {}


def assert_state(read: Settings) -> None:
    assert (read.storage_account, read.data_account) == ("baistate", "baidata")
    assert read.identity_client_id == CLIENT
    assert read.storage_urls == AccountEndpoints(
        *(f"https://baistate.{service}.core.windows.net" for service in ("blob", "file", "queue", "table"))
    )
    assert (read.scope.subscription_id, read.scope.resource_group) == (CLIENT, "rg-mine")
    assert (read.location, read.reserved_names) == ("westeurope", ("packages", "app-package"))


def test_what_is_agreed_between_files_has_one_name() -> None:
    def said(path: str) -> str:
        return (PROJECT / path).read_text("utf-8")

    pool, fetching, cloud_init = (
        said("infra/modules/pool.bicep"),
        said("infra/fetch-runner"),
        said("infra/cloud-init.yaml"),
    )
    # What fetch-runner reads is what it is given.
    given = {line.partition("=")[0] for line in variable("fetch", INFRA / "modules" / "pool.bicep")}
    read = set(re.findall(r"\$\{?([A-Z][A-Z_]+)\b", fetching))
    assert given == {name for name in read if not name.startswith("BATCHAI_")}, "those are for tests"
    # The settings lie where the unit looks for them.
    paths = re.findall(r"path: (\S+)", cloud_init)
    assert paths == [
        "/etc/batchai/runner.env",
        "/etc/batchai/fetch.env",
        "/usr/local/sbin/batchai-fetch-runner",
    ]
    assert "--env-file /etc/batchai/runner.env" in fetching
    assert "/etc/batchai/fetch.env" in fetching
    # The container, and the files in it, that are published are those that are fetched.
    assert "primaryEndpoints.blob}packages'" in pool
    publishing = said("scripts/publish-runner")
    assert "--container-name packages" in publishing
    for name in ("constraints.txt", "install-runner", "current"):
        assert name in publishing and name in fetching
    # The secret that is made is the one whose URL everybody is given.
    vault = said("infra/modules/vault.bicep")
    assert "name: 'sealing-keys'" in vault and "secrets/sealing-keys'" in vault


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


def test_a_deployment_leaves_the_machines_of_a_pool_alone() -> None:
    """What is not given is not changed; with a smaller capacity ARM would take machines away that work."""
    sku = body("pool", "machines")["sku"]["operator"]["operands"]
    assert sku["condition"] == "isDeployed"
    assert sku["true_value"] in (None, "null")
    assert "capacity" in json.dumps(sku["false_value"])
    given = json.loads((INFRA / "main.parameters.json").read_text("utf-8"))["parameters"]
    outputs = parsed(INFRA / "main.bicep")["outputs"]
    assert given["deployedPools"]["value"] == "${BATCHAI_POOLS}" and "BATCHAI_POOLS" in outputs


def test_the_app_may_change_the_pools_and_nothing_else() -> None:
    assert body("pool", "appScales")["scope"] == "machines"
    settings = body("app", "settings")["properties"]
    assert settings["BATCHAI_ARM_RESOURCE_GROUP"] == settings["BATCHAI_RESOURCE_GROUP"]
    tags = json.dumps(body("pool", "machines")["tags"])
    assert scale_sets.CLUSTER_TAG in tags


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
    assert ends["values"] == ["/job.json", "/sweep.json", "/cluster.json"]
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
