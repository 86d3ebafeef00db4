"""What is answered has the shape of what was recorded of the original: same members, same kinds of values."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.rest_api import RestApi

MOUNTING = "recordings/test_batchai_job_level_mounting_scenario.json"
#: Ours beside the original's, and the original's that say nothing here.
EXTRA = {"attempt", "waiting", "timeline", "submittedBy"}
LEFT_OUT = {"virtualMachineConfiguration", "containerSettings"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture(scope="module")
def recorded(corpus: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((corpus / MOUNTING).read_text())
    return loaded


def body(recorded: list[dict[str, Any]], method: str, ending: str, number: int = 0) -> dict[str, Any]:
    """The `number`th recorded 200 answer of a method and an address that ends so."""
    fits = [
        entry["body"]
        for entry in recorded
        if entry["method"] == method
        and entry["status"] == 200
        and entry["uri"].partition("?")[0].endswith(ending)
    ]
    loaded: dict[str, Any] = json.loads(fits[number])
    return loaded


def shape(value: Any) -> Any:
    """A value without what differs from run to run."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items() if k not in EXTRA | LEFT_OUT}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, str) and TIME.fullmatch(value):
        return "time"
    return type(value).__name__


def request_of(recorded: list[dict[str, Any]], ending: str) -> dict[str, Any]:
    text = next(
        e["request_body"]
        for e in recorded
        if e["method"] == "PUT" and e["uri"].partition("?")[0].endswith(ending)
    )
    # The recorder wrote some bodies as the text of a Python bytes literal, twice.
    text = re.sub(r"^b'b\\'|\\''$|^b'|'$", "", text)
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def test_workspace_and_experiment(api: RestApi, workspace: str, recorded: list[dict[str, Any]]) -> None:
    experiment = f"{workspace}/experiments/experiment"
    assert shape(api.must("GET", workspace)) == shape(body(recorded, "PUT", "/workspaces/workspace"))
    assert shape(api.must("GET", experiment)) == shape(body(recorded, "PUT", "/experiments/experiment"))


def test_cluster(api: RestApi, workspace: str, recorded: list[dict[str, Any]]) -> None:
    path = f"{workspace}/clusters/recorded"
    api.follow(api.call("PUT", path, request_of(recorded, "/clusters/cluster")))
    shown, original = api.must("GET", path), body(recorded, "GET", "/clusters/cluster")
    assert shape(shown) == shape(original)
    wanted = original["properties"]
    for name in ("provisioningState", "allocationState", "vmSize", "nodeStateCounts", "scaleSettings"):
        assert shown["properties"][name] == wanted[name]
    assert shown["properties"]["userAccountSettings"] == wanted["userAccountSettings"]


def test_job_and_operation(api: RestApi, workspace: str, recorded: list[dict[str, Any]]) -> None:
    document = request_of(recorded, "/jobs/job")
    document["properties"]["cluster"]["id"] = f"{workspace}/clusters/cluster"
    del document["properties"]["containerSettings"]
    job = f"{workspace}/experiments/experiment/jobs/job"
    answer = api.call("PUT", job, document)
    assert (answer.status_code, answer.content) == (202, b"")
    entry = next(e for e in recorded if e["method"] == "PUT" and e["status"] == 202)
    for header in ("location", "azure-asyncoperation"):
        pattern = re.sub(r"[0-9a-f-]{36}", "GUID", entry["headers"][header].partition("?")[0])
        assert (
            re.sub(r"[0-9a-f-]{36}", "GUID", answer.headers[header].partition("?")[0]).partition("/subsc")[2]
            == (pattern.partition("/subsc")[2])
        )
    operation = next(json.loads(e["body"]) for e in recorded if "/operationresults/" in e["uri"])
    assert shape(api.follow(answer)) == shape(operation)
    shown, original = api.must("GET", job), body(recorded, "GET", "/jobs/job")
    assert shape(shown) == shape(original)
    for name in (
        "mountVolumes",
        "customToolkitSettings",
        "outputDirectories",
        "schedulingPriority",
        "toolType",
    ):
        assert shown["properties"][name] == original["properties"][name]
    api.finish(api.claim(workspace))
    ended = body(recorded, "GET", "/jobs/job", 2)
    assert shape(api.must("GET", job)) == shape(ended)


@pytest.mark.parametrize(
    ("ending", "name"), [("/clusters/cluster", "none"), ("/experiments/experiment/jobs/job", "other")]
)
def test_not_found(
    api: RestApi, workspace: str, recorded: list[dict[str, Any]], ending: str, name: str
) -> None:
    """The resource's name is the one word that differs: the cluster was called "cluster", the job "job"."""
    entry = next(e for e in recorded if e["status"] == 404 and e["uri"].partition("?")[0].endswith(ending))
    called = ending.rpartition("/")[2]
    missing = api.call("GET", workspace + ending.removesuffix(called) + name)
    values = json.loads(entry["body"])
    values["error"]["message"] = f" {name} is".join(values["error"]["message"].rsplit(f" {called} is", 1))
    assert (missing.status_code, missing.json()) == (404, values)
