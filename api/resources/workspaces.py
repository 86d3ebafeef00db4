"""Workspaces, experiments and file servers as resources of the Batch AI REST API. PURE."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.resources.forms import EXPERIMENT_TYPE, FILE_SERVER_TYPE, WORKSPACE_TYPE, provisioning, resource
from shared.names.ids import Scope


def workspace_resource(
    name: str, created: datetime, deleting: bool, detail: Mapping[str, Any], scope: Scope
) -> dict[str, Any]:
    """A workspace as GET returns it. `detail`: location and perhaps tags."""
    shown = provisioning(created, deleting)
    return resource(
        scope.workspace(name), WORKSPACE_TYPE, shown, location=detail["location"], tags=detail.get("tags")
    )


def experiment_resource(
    workspace: str, name: str, created: datetime, deleting: bool, scope: Scope
) -> dict[str, Any]:
    """An experiment as GET returns it."""
    return resource(scope.experiment(workspace, name), EXPERIMENT_TYPE, provisioning(created, deleting))


def file_server_resource(
    workspace: str, name: str, created: datetime, deleting: bool, detail: Mapping[str, Any], scope: Scope
) -> dict[str, Any]:
    """A file server as GET returns it. Without mountSettings there is no server behind it: failed."""
    state = "succeeded" if "mountSettings" in detail else "failed"
    arm_id = f"{scope.workspace(workspace)}/fileServers/{name}"
    return resource(arm_id, FILE_SERVER_TYPE, provisioning(created, deleting, state) | dict(detail))
