"""What browsers, proxies and hostile parameters may do to a request, whatever host serves the functions."""

import pytest

from tests.support.rest_api import VERSION, RestApi


def test_a_page_of_another_site_terminates_no_job(api: RestApi, workspace: str) -> None:
    job = api.job(workspace)
    query = {"api-version": VERSION}
    answer = api.http.post(
        f"{api.url}{job}/terminate", params=query, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert api.must("GET", job)["properties"]["executionState"] == "queued"


@pytest.mark.parametrize("host", ["evil.example", "evil.example, 127.0.0.1", "evil.example/x?"])
def test_links_lead_to_where_the_request_went_whatever_it_says_of_proxies(
    api: RestApi, workspace: str, host: str
) -> None:
    query = {"api-version": VERSION, "code": "the-function-key"}
    answer = api.http.put(
        f"{api.url}{workspace}/experiments/experiment/jobs/job",
        params=query,
        json=api.document(workspace),
        headers={"X-Forwarded-Host": host},
    )
    assert answer.status_code == 202
    for name in ("azure-asyncoperation", "location"):
        assert answer.headers[name].startswith(f"{api.url}/subscriptions/")
        assert answer.headers[name].endswith("&code=the-function-key")


def test_a_key_with_line_breaks_makes_no_header(api: RestApi, workspace: str) -> None:
    query = {"api-version": VERSION, "code": "a\r\nSet-Cookie: b=c&d #"}
    path = f"{api.url}{workspace}/experiments/experiment/jobs/job"
    answer = api.http.put(path, params=query, json=api.document(workspace))
    assert answer.status_code == 202
    assert answer.headers["location"].endswith("&code=a%0D%0ASet-Cookie%3A+b%3Dc%26d+%23")
    assert "set-cookie" not in answer.headers


def test_as_many_tags_as_are_allowed_in_any_script(api: RestApi, workspace: str) -> None:
    tags = {f"{number:02}{'ы' * 510}": "値" * 256 for number in range(50)}
    assert api.must("PUT", workspace, {"location": "northeurope", "tags": tags})["tags"] == tags
    assert api.must("GET", workspace)["tags"] == tags
    answer = api.call("PUT", workspace, {"location": "northeurope", "tags": tags | {"one": "more"}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidTags")
