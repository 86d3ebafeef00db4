"""Workspaces, experiments and file servers as resources."""

from typing import Any

import pytest

from api.resources.workspaces import experiment_resource, file_server_resource, workspace_resource
from tests.support.jobs import CREATED, SCOPE

TIME = "2019-12-29T07:41:36.724Z"
ROOT = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/clitest.rg000001/providers"


@pytest.mark.parametrize(("deleting", "state"), [(False, "succeeded"), (True, "deleting")])
def test_a_workspace(deleting: bool, state: str) -> None:
    detail = {"location": "westeurope", "tags": {"a": "b"}}
    assert workspace_resource("w", CREATED, deleting, detail, SCOPE) == {
        "id": f"{ROOT}/Microsoft.BatchAI/workspaces/w",
        "name": "w",
        "type": "Microsoft.BatchAI/workspaces",
        "location": "westeurope",
        "tags": {"a": "b"},
        "properties": {
            "creationTime": TIME,
            "provisioningState": state,
            "provisioningStateTransitionTime": TIME,
        },
    }


def test_a_workspace_without_tags_shows_none() -> None:
    assert "tags" not in workspace_resource("w", CREATED, False, {"location": "x"}, SCOPE)


def test_an_experiment() -> None:
    shown = experiment_resource("w", "e", CREATED, True, SCOPE)
    assert (shown["id"], shown["name"]) == (f"{ROOT}/Microsoft.BatchAI/workspaces/w/experiments/e", "e")
    assert shown["type"] == "Microsoft.BatchAI/workspaces/experiments"
    assert shown["properties"]["provisioningState"] == "deleting"


@pytest.mark.parametrize(
    ("detail", "state"), [({"vmSize": "D1", "mountSettings": {}}, "succeeded"), ({"vmSize": "D1"}, "failed")]
)
def test_a_file_server_is_there_when_somebody_says_where(detail: dict[str, Any], state: str) -> None:
    shown = file_server_resource("w", "nfs", CREATED, False, detail, SCOPE)
    assert shown["id"].endswith("/workspaces/w/fileServers/nfs")
    assert shown["properties"]["provisioningState"] == state
    assert shown["properties"]["vmSize"] == "D1"
