"""Bad requests: ARM's error form, nothing written, never a 500."""

import socket
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from api.resources.operations import Operation, Verb
from tests.support.rest_api import GROUP, ROOT, VERSION, RestApi


def code(answer: Any) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["message"]
    return answer.status_code, error["code"]


def test_the_api_version_is_checked(api: RestApi) -> None:
    assert code(api.http.get(api.url + ROOT)) == (400, "MissingApiVersionParameter")
    old = api.http.get(api.url + ROOT, params={"api-version": "2017-09-01-preview"})
    assert code(old) == (400, "InvalidApiVersionParameter")
    assert api.http.get(api.url + ROOT, params={"API-Version": VERSION}).status_code == 200


def test_other_subscriptions_are_not_there(api: RestApi) -> None:
    other = ROOT.replace("00000000-0000", "11111111-0000")
    assert code(api.call("GET", other)) == (404, "SubscriptionNotFound")


@pytest.mark.parametrize("group", ["a b", "x.", "a" * 91, "a(b)"])
def test_resource_groups_that_are_not_allowed(api: RestApi, group: str) -> None:
    answer = api.call("GET", ROOT.replace("batchai/", f"{quote(group)}/"))
    assert code(answer) == (400, "InvalidResourceGroup")


@pytest.mark.parametrize("name", ["a" * 65, "a b", "ä", "a.b", "%2F", "a%2Fb", "-" * 64 + "x", "a;b", "%00"])
def test_names_that_are_not_allowed(api: RestApi, name: str) -> None:
    path = f"{ROOT}/{name if '%' in name else quote(name)}"
    answer = api.call("PUT", path, {"location": "x"})
    assert code(answer) == (400, "InvalidResourceName")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", ROOT),
        ("POST", f"{ROOT}/w"),
        ("PATCH", f"{ROOT}/w/experiments/e"),
        ("PATCH", f"{ROOT}/w/fileServers/f"),
        ("POST", f"{ROOT}/w/experiments/e/jobs/j"),
        ("GET", f"{ROOT}/w/experiments/e/jobs/j/terminate"),
        ("POST", f"{GROUP.partition('/resourceGroups')[0]}/providers/Microsoft.BatchAI/locations/x/usages"),
    ],
)
def test_methods_that_do_not_exist(api: RestApi, method: str, path: str) -> None:
    answer = api.call(method, path)
    assert code(answer) == (405, "MethodNotAllowed")
    assert method not in answer.headers["allow"].split(", ")


@pytest.mark.parametrize(
    "path", [f"{ROOT}/w/nothing/x", "/subscriptions", "/subscriptions/x", "/providers/Microsoft.Else/x"]
)
def test_addresses_that_do_not_exist(api: RestApi, path: str) -> None:
    assert code(api.call("GET", path))[0] == 404


BAD_BODIES = [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b"{}" * 3, b"[" * 100_000, b'{"properties": 1}']


@pytest.mark.parametrize("body", BAD_BODIES)
@pytest.mark.parametrize(
    "inner", ["", "/experiments/experiment/jobs/bad", "/clusters/bad", "/fileServers/bad"]
)
def test_malformed_bodies(api: RestApi, workspace: str, inner: str, body: bytes) -> None:
    path = workspace + inner if inner else f"{workspace}x"
    assert code(api.call("PUT", path, body))[0] == 400
    assert api.call("GET", path).status_code == 404, "nothing was written"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"tags": 1}', b'{"tags": {"a": 1}}'])
def test_malformed_tags(api: RestApi, workspace: str, body: bytes) -> None:
    assert code(api.call("PATCH", workspace, body)) == (400, "InvalidRequestContent")


def test_five_megabytes_are_refused(api: RestApi, workspace: str) -> None:
    body = b'{"properties": {"stdOutErrPathPrefix": "' + b"x" * 5_000_000 + b'"}}'
    for inner in ("/experiments/experiment/jobs/big", "/clusters/big", "/fileServers/big"):
        assert code(api.call("PUT", workspace + inner, body)) == (413, "RequestEntityTooLarge")
        assert api.call("GET", workspace + inner).status_code == 404


@pytest.mark.parametrize("token", ["", "x", "AAAA", "W10", "WzEsMiwzLDQsNSw2LDdd", "x" * 5000, "%ff"])
@pytest.mark.parametrize("kind", ["operationresults", "operationstatuses"])
def test_operations_that_were_never_begun(api: RestApi, kind: str, token: str) -> None:
    base = GROUP.partition("/resourceGroups")[0]
    guid = "b95db607-e75f-45f8-9570-7624e657fbdc"
    path = f"{base}/providers/Microsoft.BatchAI/locations/northeurope/{kind}/{guid}"
    assert code(api.call("GET", path, t=token)) == (404, "OperationNotFound")


def test_operations_with_a_made_up_kind(api: RestApi, workspace: str) -> None:
    guid = "b95db607-e75f-45f8-9570-7624e657fbdc"
    base = GROUP.partition("/resourceGroups")[0]
    for kind in ("galaxy", "job"):
        operation = Operation(
            guid, Verb.DELETE, kind, "w", "" if kind == "job" else "e", "n", "1", datetime.now(UTC)
        )
        path = f"{base}/providers/Microsoft.BatchAI/locations/northeurope/operationresults/{guid}"
        assert api.call("GET", path, t=operation.token).status_code in (200, 404)


def test_a_cluster_in_a_workspace_that_is_not_there(api: RestApi) -> None:
    answer = api.call("PUT", f"{ROOT}/nowhere/clusters/c", {"properties": {"vmSize": "X"}})
    assert code(answer) == (404, "WorkspaceNotFound")
    for path in ("experiments", "clusters", "fileServers", "experiments/e/jobs"):
        assert code(api.call("GET", f"{ROOT}/nowhere/{path}")) == (404, "WorkspaceNotFound")


def test_a_request_that_no_client_would_send(api: RestApi) -> None:
    """Raw bytes in the path, as a fuzzer sends them."""
    parts = urlsplit(api.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as wire:
        asked = f"GET {ROOT}/a%C3%28?api-version={VERSION} HTTP/1.1"
        wire.sendall(f"{asked}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert b" 400 " in wire.recv(4096).split(b"\r\n")[0]
