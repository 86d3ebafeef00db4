"""deploy/: manifests for engines that start runners, against schemas and against what the code reads."""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from api import routes
from runner.config import config_from
from scripts.check_infra import findings, parsed
from shared.settings_reader import settings_from

PROJECT = Path(__file__).parents[2]
AKS = [each for each in yaml.safe_load_all((PROJECT / "deploy" / "aks" / "runner.yaml").read_text()) if each]
APPS = PROJECT / "deploy" / "container-apps"
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
USER = 10001
#: Of keda.sh/v1alpha1 (ScaledJob, TriggerAuthentication), as KEDA's reference lists them.
SCALED_JOB = {
    "jobTargetRef", "pollingInterval", "minReplicaCount", "maxReplicaCount", "successfulJobsHistoryLimit",
    "failedJobsHistoryLimit", "envSourceContainerName", "rollout", "scalingStrategy", "triggers",
}  # fmt: skip
METRICS_API = {
    "url", "valueLocation", "targetValue", "activationTargetValue", "authMode", "method", "keyParamName",
    "unsafeSsl", "format",
}  # fmt: skip


def one(kind: str) -> dict[str, Any]:
    [found] = [each for each in AKS if each["kind"] == kind]
    return dict(found)


def pod() -> dict[str, Any]:
    return dict(one("ScaledJob")["spec"]["jobTargetRef"]["template"]["spec"])


def image_settings() -> dict[str, str]:
    """What the image sets."""
    text = DOCKERFILE.partition("\nENV ")[2].partition("\nENTRYPOINT")[0].replace("\\\n", " ")
    return {name: value.strip("'") for name, value in re.findall(r"(\w+)=('[^']*'|\S+)", text)}


def apps_settings() -> dict[str, str]:
    job = parsed(APPS / "main.bicep")["resources"]["runner"]["config"]
    [container] = job["properties"]["template"]["containers"]
    return {each["name"]: each["value"] for each in container["env"]}


@pytest.mark.parametrize("document", AKS, ids=lambda each: each["kind"])
def test_what_kubernetes_knows_is_as_its_schema_says(document: dict[str, Any]) -> None:
    if document["kind"] == "ScaledJob":
        reference = dict(document["spec"]["jobTargetRef"])
        document = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": reference}
    if not document["apiVersion"].startswith("keda.sh"):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_what_keda_knows_is_spelled_as_its_reference_spells_it() -> None:
    spec = one("ScaledJob")["spec"]
    assert set(spec) <= SCALED_JOB
    [trigger] = spec["triggers"]
    assert trigger["type"] == "metrics-api" and set(trigger["metadata"]) <= METRICS_API
    assert all(isinstance(value, str) for value in trigger["metadata"].values()), "KEDA takes texts only"
    assert trigger["authenticationRef"]["name"] == one("TriggerAuthentication")["metadata"]["name"]
    assert {each["parameter"] for each in one("TriggerAuthentication")["spec"]["secretTargetRef"]} == {
        "apiKey"
    }


def test_both_ask_the_route_that_there_is() -> None:
    route = re.sub(r"\{\w+\}", "[^/]+", f"/{routes.CLUSTER}/demand") + r"\?api-version=2018-05-01"
    url = one("ScaledJob")["spec"]["triggers"][0]["metadata"]["url"]
    assert re.fullmatch(f"https://[^/]+{route}", url, re.IGNORECASE)
    bicep = (APPS / "main.bicep").read_text()
    [path] = re.findall(r"^var path = '(.*)'$", bicep, re.MULTILINE)
    assert re.fullmatch(route, re.sub(r"\$\{[^}]*\}", "x", path), re.IGNORECASE)


def test_the_bicep_holds_together() -> None:
    assert findings(APPS) == []


@pytest.mark.parametrize("where", ["aks", "container-apps"])
def test_a_runner_starts_with_these_settings(where: str) -> None:
    given = apps_settings()
    if where == "aks":
        given = {each["name"]: each.get("value", "n1") for each in pod()["containers"][0]["env"]}
    values = {
        "BATCHAI_SEALING_KEYS_SECRET": "https://v.vault.azure.net/secrets/sealing-keys",
        "BATCHAI_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000000",
        "BATCHAI_CLUSTER": "default/default",
        "BATCHAI_PREMOUNTED": '{"account1/logs": "/shares/logs"}',
        "BATCHAI_STORAGE__accountName": "account1",
        "BATCHAI_STORAGE__clientId": "11111111-1111-1111-1111-111111111111",
    }
    env = {name: re.sub(r"\$\{.*?\}|REPLACE_\w+", "x1", str(value)) for name, value in given.items()}
    env |= image_settings() | {name: value for name, value in values.items() if name in env}
    assert set(values) <= set(env)
    settings = settings_from(env)
    config = config_from(env, "", "", "", "")
    assert str(config.cluster) == "default/default"
    assert config.drivers == {"azureFileShare": ("premounted",), "azureBlobFileSystem": ("copy",)}
    assert str(config.premounted["account1/logs"]) == "/shares/logs"
    assert config.scheduled_events_url == ""
    assert "app-package" in str(settings)
    # Every one of them is documented
    known = (PROJECT / "docs" / "reference" / "settings.md").read_text()
    assert [name for name in env if name.startswith("BATCHAI") and name.split("__")[0] not in known] == []


def test_nothing_runs_as_root_and_all_agree_on_who_it_is() -> None:
    assert f"USER {USER}:{USER}" in DOCKERFILE
    security = pod()["securityContext"]
    assert (security["runAsNonRoot"], security["runAsUser"], security["fsGroup"]) == (True, USER, USER)
    own = pod()["containers"][0]["securityContext"]
    assert own == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    mounted = one("PersistentVolume")["spec"]["mountOptions"]
    assert {f"uid={USER}", f"gid={USER}"} <= set(mounted)
    assert f"uid={USER},gid={USER}" in (APPS / "main.bicep").read_text()


def test_no_pod_can_ask_the_identity_of_its_machine() -> None:
    [rule] = one("NetworkPolicy")["spec"]["egress"]
    assert rule["to"][0]["ipBlock"]["except"] == ["169.254.169.254/32"]
    labels = one("ScaledJob")["spec"]["jobTargetRef"]["template"]["metadata"]["labels"]
    assert one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"].items() <= labels.items()


def test_volumes_of_the_pod_are_there_and_shares_are_where_the_runner_looks() -> None:
    names = {volume["name"] for volume in pod()["volumes"]}
    mounts = pod()["containers"][0]["volumeMounts"]
    assert {mount["name"] for mount in mounts} == names
    env = {each["name"]: each.get("value", "") for each in pod()["containers"][0]["env"]}
    assert set(json.loads(env["BATCHAI_PREMOUNTED"]).values()) <= {mount["mountPath"] for mount in mounts}
