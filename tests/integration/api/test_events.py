"""The events of a workspace over HTTP, and by the command: without any receiver."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from jsonschema import Draft202012Validator

from tests.support.rest_api import RestApi
from tests.support.sources import PROJECT

SCHEMA = Draft202012Validator(json.loads((PROJECT / "schemas/event.json").read_text()))
WHOLE = ["queued", "running", "succeeded"]


def submit(api: RestApi, path: str, name: str) -> None:
    assert (
        api.call("PUT", f"{path}/experiments/experiment/jobs/{name}", api.document(path)).status_code == 202
    )


def shown(api: RestApi, path: str, **query: object) -> list[tuple[str, str]]:
    events = api.must("GET", f"{path}/events", **query)["value"]
    return [(event["data"]["job"], event["data"]["state"]) for event in events]


@pytest.fixture(scope="module")
def path(api: RestApi) -> str:
    """A workspace with a job that has ended and one that waits."""
    made = api.workspace()
    submit(api, made, "first")
    api.finish(api.claim(made))
    submit(api, made, "second")
    return made


def test_every_change_in_order(api: RestApi, path: str) -> None:
    events = api.must("GET", f"{path}/events")["value"]
    for event in events:
        SCHEMA.validate(event)
    assert shown(api, path) == [*(("first", state) for state in WHOLE), ("second", "queued")]
    assert len({event["id"] for event in events}) == 4


def test_pages(api: RestApi, path: str) -> None:
    found, page = [], api.must("GET", f"{path}/events", maxresults=1)
    while True:
        found += [event["id"] for event in page["value"]]
        if "nextLink" not in page:
            break
        page = api.http.get(page["nextLink"]).json()
    assert found == [event["id"] for event in api.must("GET", f"{path}/events")["value"]]


def test_since(api: RestApi, path: str) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert shown(api, path, since=soon.isoformat()) == []
    assert len(shown(api, path, since="2018-01-01")) == 4


def test_what_is_no_time_and_what_is_no_workspace(api: RestApi, path: str) -> None:
    assert api.call("GET", f"{path}/events", since="yesterday").status_code == 400
    assert api.call("GET", f"{path}-none/events").status_code == 404
    assert api.call("POST", f"{path}/events").status_code == 405
