"""Operations carried in addresses: what is put in comes out, and nothing else does."""

import base64
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.resources.operations import (
    Operation,
    Progress,
    Verb,
    addresses,
    operation_body,
    operation_from,
    resource_id,
)
from shared.names.ids import Scope
from tests.support.cases import cases

GUID = "b95db607-e75f-45f8-9570-7624e657fbdc"
SCOPE = Scope("sub", "rg")
NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


def operation(**changes: object) -> Operation:
    fields = {
        "guid": GUID,
        "verb": Verb.CREATE,
        "kind": "job",
        "workspace": "w",
        "experiment": "e",
        "name": "j",
        "identity": "the-uuid",
        "started": datetime(2019, 12, 29, 7, 41, 36, 731000, UTC),
    }
    return Operation(**(fields | changes))  # type: ignore[arg-type]


WORKSPACES = NAMES | st.builds(
    "{}/{}".format, st.from_regex(r"[A-Za-z0-9._-]{0,9}[a-z]", fullmatch=True), NAMES
)


@given(WORKSPACES)
def test_the_resource_group_travels_with_the_workspace(workspace: str) -> None:
    made = operation(kind="workspace", workspace=workspace, experiment="", name=workspace)
    assert operation_from(GUID, made.token) == made
    group, _, name = workspace.rpartition("/")
    assert resource_id(made, SCOPE) == f"{SCOPE.subscription_id}${group or SCOPE.resource_group}${name}"


@given(WORKSPACES, NAMES | st.just(""), NAMES, st.sampled_from(Verb))
def test_what_is_put_in_comes_out(workspace: str, experiment: str, name: str, verb: Verb) -> None:
    made = operation(workspace=workspace, experiment=experiment, name=name, verb=verb)
    assert operation_from(GUID, made.token) == made
    assert len(made.token) < 500


@given(st.text() | st.binary().map(lambda b: base64.urlsafe_b64encode(b).decode()))
def test_nothing_raises(token: str) -> None:
    assert operation_from(GUID, token) is None
    assert operation_from(token, operation().token) is None


@cases("index", [1, 2, 3, 4])
@cases("value", ["a/b", "a/b/c", "../b", "a/", "", "x" * 65, None, 5, "a\n"])
def test_names_in_a_token_are_checked(index: int, value: object) -> None:
    parts: list[object] = ["create", "job", "w", "e", "j", "uuid", 0]
    parts[index] = value
    token = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()
    found = operation_from(GUID, token)
    assert found is None or (index, value) in ((3, ""), (2, "a/b"))


def test_the_two_addresses_have_swapped_names_as_recorded() -> None:
    results, statuses = addresses(operation(), "https://host", SCOPE, "northeurope")
    root = "https://host/subscriptions/sub/providers/Microsoft.BatchAI/locations/northeurope"
    assert results.startswith(f"{root}/operationresults/{GUID}?api-version=2018-05-01&t=")
    assert statuses.startswith(f"{root}/operationstatuses/{GUID}?api-version=2018-05-01&t=")
    token = parse_qs(urlsplit(results).query)["t"][0]
    assert operation_from(GUID, token) == operation()


def test_bodies_of_the_three_states() -> None:
    ended = datetime(2019, 12, 29, 7, 41, 36, 971000, UTC)
    going = operation_body(operation(), Progress(None), "https://host/x", SCOPE)
    assert going == {
        "id": "https://host/x",
        "name": GUID,
        "status": "InProgress",
        "startTime": "2019-12-29T07:41:36.731Z",
    }
    done = operation_body(operation(), Progress(ended), "https://host/x", SCOPE)
    assert done["status"] == "Succeeded"
    assert done["endTime"] == "2019-12-29T07:41:36.971Z"
    assert done["properties"] == {"resourceId": "sub$rg$w$e$j"}
    failed = operation_body(operation(), Progress(ended, ("Code", "text")), "https://host/x", SCOPE)
    assert (failed["status"], failed["error"]) == ("Failed", {"code": "Code", "message": "text"})


@pytest.mark.parametrize(
    ("kind", "experiment", "name", "expected"),
    [
        ("workspace", "", "w", "sub$rg$w"),
        ("cluster", "", "c", "sub$rg$w$c"),
        ("experiment", "", "e", "sub$rg$w$e"),
        ("job", "e", "j", "sub$rg$w$e$j"),
    ],
)
def test_resource_ids(kind: str, experiment: str, name: str, expected: str) -> None:
    assert resource_id(operation(kind=kind, experiment=experiment, name=name), SCOPE) == expected
