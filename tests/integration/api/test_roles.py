"""App roles: who may see, submit and stop over HTTP where Entra signs people in (docs/reference/roles.md)."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.rest_api import CLUSTER, ROOT, VERSION, RestApi
from tests.support.rest_api import rest_api as start

READER, SUBMITTER, CONTRIBUTOR = "BatchAI.Reader", "BatchAI.Submitter", "BatchAI.Contributor"


def principal(*roles: str, kind: str = "roles") -> str:
    """What App Service Authentication says of a token."""
    claims = [{"typ": "name", "val": CONTRIBUTOR}, *({"typ": kind, "val": role} for role in roles)]
    fields = {"auth_typ": "aad", "claims": claims, "name_typ": "name", "role_typ": kind}
    return base64.b64encode(json.dumps(fields).encode()).decode()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestApi]:
    settings = {"BATCHAI_HTTP_ROLES": "entra", "BATCHAI_RESOURCE_GROUPS": "one"}
    with start(tmp_path_factory.mktemp("roles"), **settings) as running:
        yield running


@pytest.fixture
def job(guarded: RestApi) -> str:
    """A job's path, made by one who may."""
    guarded.http.headers["x-ms-client-principal"] = principal(CONTRIBUTOR)
    path = guarded.workspace()
    made = guarded.job(path)
    guarded.http.headers.pop("x-ms-client-principal")
    return made


def sent(api: RestApi, reported: str, method: str, path: str, body: Any = None) -> tuple[int, str]:
    answer = api.http.request(
        method,
        api.url + path,
        params={"api-version": VERSION, "outputdirectoryid": "stdouterr"},
        content=json.dumps(body).encode() if body else None,
        headers={"x-ms-client-principal": reported} if reported else {},
    )
    error = answer.json()["error"]["code"] if answer.status_code >= 400 else ""
    return answer.status_code, error


def attempts(job: str) -> dict[str, tuple[str, str, Any]]:
    """name -> (method, path, body): what each role may or may not do."""
    workspace = job.partition("/experiments/")[0]
    return {
        "see": ("GET", job, None),
        "list": ("GET", job.rpartition("/")[0], None),
        "read": ("POST", f"{job}/listOutputFiles", None),
        "check": ("POST", f"{workspace}/validate", CLUSTER),
        "group": ("PUT", f"{workspace}/experiments/other", None),
        "stop": ("POST", f"{job}/terminate", None),
        "remove": ("DELETE", job, None),
        "cluster": ("PUT", f"{workspace}/clusters/other", CLUSTER),
        "empty": ("DELETE", f"{workspace}/experiments/experiment", None),
        "wipe": ("DELETE", workspace, None),
    }


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (READER, {"see", "list", "read", "check"}),
        (SUBMITTER, {"see", "list", "read", "check", "group", "stop", "remove"}),
        (
            CONTRIBUTOR,
            {"see", "list", "read", "check", "group", "stop", "remove", "cluster", "empty", "wipe"},
        ),
        ("Somebody.Else", set()),
    ],
)
def test_each_role_may_do_its_own_and_no_more(
    guarded: RestApi, job: str, role: str, allowed: set[str]
) -> None:
    for name, (method, path, body) in attempts(job).items():
        status, error = sent(guarded, principal(role), method, path, body)
        if name in allowed:
            assert status < 300, (name, status, error)
        else:
            assert (status, error) == (403, "AuthorizationFailed"), name


def test_a_submitter_submits_and_a_reader_does_not(guarded: RestApi, job: str) -> None:
    workspace, other = job.partition("/experiments/")[0], f"{job}-2"
    document = guarded.document(workspace)
    assert sent(guarded, principal(READER), "PUT", other, document) == (403, "AuthorizationFailed")
    assert sent(guarded, principal(SUBMITTER), "PUT", other, document)[0] == 202


def test_who_submitted_is_kept_and_used_for_what_it_cost(guarded: RestApi, job: str) -> None:
    workspace, path = job.partition("/experiments/")[0], f"{job}-by-ann"
    guarded.http.headers["x-ms-client-principal"] = principal(CONTRIBUTOR)
    guarded.http.headers["x-ms-client-principal-name"] = "ann@contoso.com"
    try:
        assert guarded.call("PUT", path, guarded.document(workspace)).status_code == 202
        assert guarded.must("GET", path)["properties"]["submittedBy"] == "ann@contoso.com"
        users = guarded.must("GET", f"{workspace}/usage", by="user")["value"]
    finally:
        guarded.http.headers.pop("x-ms-client-principal")
        guarded.http.headers.pop("x-ms-client-principal-name")
    assert [(line["name"], line["jobs"]) for line in users] == [("ann@contoso.com", 1), ("unknown", 1)]


@pytest.mark.parametrize("reported", ["", "!", "e30", base64.b64encode(b"[1]").decode(), "bnVsbA=="])
def test_who_is_not_signed_in_sees_nothing(guarded: RestApi, job: str, reported: str) -> None:
    assert sent(guarded, reported, "GET", job) == (401, "AuthenticationFailed")


def test_roles_under_the_older_name_of_their_claim(guarded: RestApi, job: str) -> None:
    kind = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
    assert sent(guarded, principal(READER, kind=kind), "GET", job)[0] == 200
    assert sent(guarded, principal(kind=kind), "GET", job) == (403, "AuthorizationFailed")


def test_health_is_reported_to_everybody(guarded: RestApi) -> None:
    assert guarded.http.get(f"{guarded.url}/health").json() == {"status": "ok"}


def test_without_the_setting_nobody_is_asked(api: RestApi) -> None:
    assert sent(api, "", "GET", ROOT)[0] == 200


def test_an_installation_may_serve_one_resource_group_only(guarded: RestApi) -> None:
    other = ROOT.replace("/batchai/", "/elsewhere/")
    headers = {"x-ms-client-principal": principal(CONTRIBUTOR)}
    answer = guarded.http.get(guarded.url + other, params={"api-version": VERSION}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceGroupNotFound")


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (READER, {"read": True, "submit": False, "contribute": False}),
        (SUBMITTER, {"read": True, "submit": True, "contribute": False}),
        (CONTRIBUTOR, {"read": True, "submit": True, "contribute": True}),
    ],
)
def test_a_page_learns_which_buttons_to_show(guarded: RestApi, role: str, may: dict[str, bool]) -> None:
    headers = {"x-ms-client-principal": principal(role), "x-ms-client-principal-name": "ann@contoso.com"}
    path = f"{guarded.url}/providers/Microsoft.BatchAI/session"
    answer = guarded.http.get(path, params={"api-version": VERSION}, headers=headers)
    assert answer.json() == {"name": "ann@contoso.com", "may": may}


def test_who_is_not_signed_in_learns_how_to_and_no_more(guarded: RestApi) -> None:
    session = "/providers/Microsoft.BatchAI/session"
    assert sent(guarded, "", "GET", session) == (401, "AuthenticationFailed")
    assert sent(guarded, principal("Somebody.Else"), "GET", session) == (403, "AuthorizationFailed")
    assert guarded.http.get(f"{guarded.url}/console/config.json").json()["signIn"] == "entra"
