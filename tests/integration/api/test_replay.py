"""Recorded conversations, request by request: status, headers, and the members of each answer.

The collection kept three headers of each recorded answer; of the others the original recordings of the
azure-cli tests (2019 to 2021) have: `content-type: application/json; charset=utf-8` where there is a body and
none with the empty 202, `cache-control: no-cache`, `pragma: no-cache`, `expires: -1`,
`x-content-type-options: nosniff`, `last-modified` beside every `etag`, and the request's id.
"""

import json
import re
import uuid
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.managers.claims import Claim
from shared.names.ids import ClusterId
from shared.stores.node_table import NodeRow
from tests.support.rest_api import ROOT, VERSION, RestApi

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Members of ours, and those that say here what the document says.
BESIDE = {"attempt", "waiting", "timeline", "submittedBy", "virtualMachineConfiguration", "executionInfo"}


class Replay:
    """Plays the client of one recording, in a resource group of its own, and the runner where one worked."""

    def __init__(self, api: RestApi) -> None:
        self.api = api
        self.group = f"clitest.rg{uuid.uuid4().hex[:8]}"
        self.operation = ""
        self.claim: Claim | None = None

    def ours(self, text: str) -> str:
        """What the client would send here."""
        text = re.sub(r"^b'b\\'|\\''$|^b'|'$", "", text)
        text = text.replace("https://clitest000002.file.core.windows.net", self.api.files_url)
        text = text.replace("clitest000002", self.api.account)
        text = text.replace("veryFakedStorageAccountKey==", self.api.key)
        return text.replace("clitest.rg000001", self.group)

    def send(self, entry: dict[str, Any]) -> httpx.Response:
        if "/operationresults/" in entry["uri"]:
            return self.api.http.get(self.operation)
        address = self.ours(entry["uri"]).replace("https://management.azure.com", self.api.url)
        body = entry.get("request_body")
        data = self.ours(body).encode() if body else None
        answer = self.api.http.request(entry["method"], address, content=data)
        self.operation = answer.headers.get("azure-asyncoperation", self.operation)
        return answer

    def before(self, entry: dict[str, Any]) -> None:
        """What had happened meanwhile when the request was recorded."""
        self._nodes(entry["body"] or "")
        state = re.search(r'"executionState":"(\w+)"', entry["body"] or "")
        if state and state[1] == "running" and self.claim is None:
            self.claim = self.api.claim(f"{ROOT.replace('/batchai/', f'/{self.group}/')}/workspace")
        elif state and state[1] == "succeeded" and self.claim:
            self.api.finish(self.claim)
            self.claim = None

    def _nodes(self, body: str) -> None:
        """The recorded nodes of the cluster, in the states they were in."""
        counts = re.findall(r'"(running|idle|unusable|preparing|leaving)NodeCount":(\d+)', body)
        if not counts:
            return
        cluster = ClusterId(f"{self.group}/workspace", "cluster")
        states = [state for state, count in counts for _ in range(int(count))]
        table = self.api.stores.nodes
        for node in table.nodes(cluster)[0]:
            table.forget(node)
        for number, state in enumerate(states):
            table.report(NodeRow(cluster, f"node-{number}", state, 0, "10.0.0.4"))


def members(value: Any) -> Any:
    """The names of everything in a value, those of lists of files aside."""
    if isinstance(value, dict):
        return {name: members(inner) for name, inner in value.items() if name not in BESIDE}
    return "[...]" if isinstance(value, list) else "..."


def place(url: str) -> str:
    """The path of an address, its guids and the group's name left out."""
    path = "/" + url.partition("://")[2].partition("/")[2].partition("?")[0]
    return GUID.sub("GUID", path)


@pytest.mark.parametrize("name", ["job_level_mounting", "manual_scale"])
def test_a_recorded_conversation(api: RestApi, corpus: Path, name: str) -> None:
    recorded = json.loads((corpus / f"recordings/test_batchai_{name}_scenario.json").read_text())
    replay = Replay(api)
    for number, entry in enumerate(recorded):
        replay.before(entry)
        answer = replay.send(entry)
        where = f"{number}: {entry['method']} {entry['uri']}"
        assert answer.status_code == entry["status"], (where, answer.text)
        for header in ("etag", "location", "azure-asyncoperation"):
            assert (header in answer.headers) == (header in entry["headers"]), (where, header)
            if header != "etag" and header in answer.headers:
                assert place(answer.headers[header]) == place(entry["headers"][header]), where
        assert re.fullmatch(r'W/".+"', answer.headers.get("etag", 'W/"x"'))
        # A deletion that took minutes has ended here.
        if entry["body"] and '"status":"InProgress"' not in entry["body"]:
            theirs = json.loads(entry["body"])
            assert members(answer.json()) == members(theirs), where
            if entry["method"] == "GET":
                for member in ("allocationState", "currentNodeCount", "executionState", "provisioningState"):
                    message = answer.json().get("properties", {}).get(member)
                    assert message == theirs.get("properties", {}).get(member), (where, member)


def test_headers_of_every_answer(api: RestApi, workspace: str) -> None:
    job = api.job(workspace)
    params = {"api-version": VERSION}
    asked = [
        api.call("GET", workspace),
        api.call("GET", f"{workspace}/clusters/cluster"),
        api.call("GET", f"{workspace}/experiments/experiment"),
        api.call("GET", job),
        api.call("PATCH", f"{workspace}/clusters/cluster", {"properties": {}}),
        api.call("GET", f"{workspace}/clusters"),
        api.call("GET", f"{workspace}/clusters/none"),
        api.call("GET", f"{workspace}/nothing/here"),
        api.call("POST", f"{job}/terminate"),
        api.call("DELETE", job),
        api.call("DELETE", f"{workspace}/clusters/none"),
        api.http.get(f"{api.url}{ROOT}"),
        api.http.get(f"{api.url}/providers/Microsoft.BatchAI/operations", params=params),
    ]
    for answer in asked:
        message = f"{answer.request.method} {answer.request.url}: {answer.headers}"
        kind = "application/json; charset=utf-8" if answer.content else None
        assert answer.headers.get("content-type") == kind, message
        assert GUID.fullmatch(answer.headers["x-ms-request-id"]), message
        assert answer.headers["cache-control"] == answer.headers["pragma"] == "no-cache", message
        assert answer.headers["expires"] == "-1", message
        assert answer.headers["x-content-type-options"] == "nosniff", message
        assert ("last-modified" in answer.headers) == ("etag" in answer.headers), message
    assert len({answer.headers["x-ms-request-id"] for answer in asked}) == len(asked)
    for answer in asked[:5]:
        assert parsedate_to_datetime(answer.headers["last-modified"]).tzinfo is not None


def test_the_etag_of_a_cluster_changes_with_it(api: RestApi, workspace: str) -> None:
    path = f"{workspace}/clusters/cluster"
    first = api.call("GET", path).headers["etag"]
    assert api.call("GET", path).headers["etag"] == first
    scaled = {"properties": {"scaleSettings": {"manual": {"targetNodeCount": 5}}}}
    changed = api.call("PATCH", path, scaled).headers["etag"]
    assert changed != first
    assert api.call("GET", path).headers["etag"] == changed


def test_operations_are_where_their_workspace_is(api: RestApi) -> None:
    path = f"{ROOT}/w{uuid.uuid4().hex[:10]}"
    api.must("PUT", path, {"location": "West US"})
    answer = api.call("DELETE", path)
    for header in ("location", "azure-asyncoperation"):
        assert "/providers/Microsoft.BatchAI/locations/westus/operation" in answer.headers[header]
    assert api.follow(answer)["status"] == "Succeeded"


def test_an_image_is_the_latest_one_unless_the_document_says_which(api: RestApi, workspace: str) -> None:
    image = {"publisher": "microsoft-dsvm", "offer": "azureml", "sku": "runtime"}
    for name, given, shown in (("plain", {}, "latest"), ("named", {"version": "1.2.3"}, "1.2.3")):
        machine = {"imageReference": image | given}
        document = {"properties": {"vmSize": "STANDARD_D1", "virtualMachineConfiguration": machine}}
        api.follow(api.call("PUT", f"{workspace}/clusters/{name}", document))
        properties = api.must("GET", f"{workspace}/clusters/{name}")["properties"]
        assert properties["virtualMachineConfiguration"]["imageReference"] == image | {"version": shown}
