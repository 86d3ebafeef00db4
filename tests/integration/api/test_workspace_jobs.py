"""All jobs of a workspace over HTTP, newest first, and polls that cost few bytes."""

import pytest

from tests.support.rest_api import ROOT, VERSION, RestApi


@pytest.fixture(scope="module")
def workspace(api: RestApi) -> str:
    """Jobs in two experiments: one succeeded, one running, two queued."""
    path = api.workspace()
    api.must("PUT", f"{path}/experiments/another")
    _job(api, path, "experiment", "first")
    api.finish(api.claim(path))
    _job(api, path, "another", "second")
    api.claim(path)
    for experiment, name in (("another", "Third"), ("experiment", "fourth")):
        _job(api, path, experiment, name)
    return path


def _job(api: RestApi, path: str, experiment: str, name: str) -> None:
    job = f"{path}/experiments/{experiment}/jobs/{name}"
    assert api.call("PUT", job, api.document(path)).status_code == 202


def names(api: RestApi, path: str, **query: object) -> list[str]:
    return [job["name"] for job in api.must("GET", f"{path}/jobs", **query)["value"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["fourth", "Third", "second", "first"]),
        ({"state": "queued"}, ["fourth", "Third"]),
        ({"state": "running"}, ["second"]),
        ({"experiment": "ANOTHER"}, ["Third", "second"]),
        ({"experiment": "another", "state": "succeeded"}, []),
        ({"experiment": "none"}, []),
        ({"prefix": "F"}, ["first", "fourth"]),
        ({"prefix": "th", "state": "queued", "experiment": "another"}, ["Third"]),
        ({"createdafter": "2099-01-01"}, []),
        ({"createdbefore": "2099-01-01", "maxresults": 2}, ["fourth", "Third"]),
    ],
)
def test_filters(api: RestApi, workspace: str, query: dict[str, object], expected: list[str]) -> None:
    assert names(api, workspace, **query) == expected


def test_an_entry_is_the_job_as_it_shows_itself_with_why_it_waits(api: RestApi, workspace: str) -> None:
    fourth = api.must("GET", f"{workspace}/jobs")["value"][0]
    shown = api.must("GET", fourth["id"])
    assert fourth.keys() == shown.keys() and fourth["id"] == shown["id"]
    assert fourth["properties"].keys() == shown["properties"].keys()
    assert fourth["properties"]["waiting"]["reason"]


def test_pages(api: RestApi, workspace: str) -> None:
    found, page = [], api.must("GET", f"{workspace}/jobs", maxresults=1)
    while True:
        found += [job["name"] for job in page["value"]]
        if "nextLink" not in page:
            break
        page = api.http.get(page["nextLink"]).json()
    assert found == ["fourth", "Third", "second", "first"]


def test_a_poll_of_what_has_not_changed_costs_few_bytes(api: RestApi) -> None:
    path = api.workspace()
    job = api.job(path)
    api.claim(path)
    url, query = f"{api.url}{path}/jobs", {"api-version": VERSION}
    etag = api.http.get(url, params=query).headers["etag"]
    assert etag.startswith('W/"')
    again = api.http.get(url, params=query, headers={"If-None-Match": f'"x", {etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert api.call("POST", f"{job}/terminate").status_code == 202
    changed = api.http.get(url, params=query, headers={"If-None-Match": etag})
    assert changed.status_code == 200 and changed.headers["etag"] != etag


@pytest.mark.parametrize(
    "query",
    [{"state": "x"}, {"experiment": "a b"}, {"prefix": "/"}, {"createdafter": "x"}, {"maxresults": 0}],
)
def test_parameters_that_mean_nothing(api: RestApi, workspace: str, query: dict[str, object]) -> None:
    answer = api.call("GET", f"{workspace}/jobs", **query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidQueryParameterValue")


def test_a_workspace_that_is_not_there_and_one_that_is_empty(api: RestApi) -> None:
    answer = api.call("GET", f"{ROOT}/none/jobs")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "WorkspaceNotFound")
    assert names(api, api.workspace()) == []
