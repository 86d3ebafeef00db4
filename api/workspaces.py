"""Workspaces: PUT, PATCH, GET, DELETE, and the two lists."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import azure.functions as func

from api import routes
from api.answers import accepted, arm, gone, paged, shown
from api.requests import read_object, read_tags, workspace_of
from api.resources.operations import Verb
from api.resources.workspaces import workspace_resource
from api.wired import backend
from shared.errors import RequestError

if TYPE_CHECKING:
    from shared.stores.workspace_table import Row

bp = func.Blueprint()
_LOCATION = re.compile(r"[A-Za-z0-9 ()-]{1,64}")


def resource(row: "Row") -> dict[str, Any]:
    """A workspace as GET returns it."""
    return workspace_resource(row.name, row.created, row.deleting, row.detail, backend().settings.scope)


@bp.route(route=routes.WORKSPACE, methods=["PUT"])
@arm("workspace")
def workspaces_create(req: func.HttpRequest) -> func.HttpResponse:
    """Workspaces_Create: 200 with the resource; an existing one gets the tags."""
    body = read_object(req)
    location = body.get("location")
    if not isinstance(location, str) or not location.strip():
        raise RequestError("The location property is required for this definition.", "LocationRequired")
    if not _LOCATION.fullmatch(location):
        raise RequestError("The location is not the name of a region.", "LocationNotAvailableForResourceType")
    # ARM writes "North Europe" as northeurope.
    location = location.replace(" ", "").lower()
    row = backend().workspaces.put_workspace(workspace_of(req), location, read_tags(body))
    return shown(resource(row), row.etag, row.written or datetime.now(UTC))


@bp.route(route=routes.WORKSPACE, methods=["PATCH"])
@arm("workspace")
def workspaces_update(req: func.HttpRequest) -> func.HttpResponse:
    """Workspaces_Update: 200 with the resource; only tags can be changed."""
    tags, name = read_tags(read_object(req)), workspace_of(req)
    workspaces = backend().workspaces
    row = workspaces.workspace(name) if tags is None else workspaces.put_tags(name, tags)
    return shown(resource(row), row.etag, row.written or datetime.now(UTC))


@bp.route(route=routes.WORKSPACE, methods=["GET"])
@arm("workspace")
def workspaces_get(req: func.HttpRequest) -> func.HttpResponse:
    """Workspaces_Get: 200, or 404 WorkspaceNotFound."""
    row = backend().workspaces.workspace(workspace_of(req))
    return shown(resource(row), row.etag, row.written or datetime.now(UTC))


@bp.route(route=routes.WORKSPACE, methods=["DELETE"])
@arm("workspace")
def workspaces_delete(req: func.HttpRequest) -> func.HttpResponse:
    """Workspaces_Delete: 202; what lies in it is deleted first. 204 where there is none."""
    deleted = backend().cascading_deletion.delete_workspace(workspace_of(req))
    if deleted is None:
        return gone()
    return accepted(req, Verb.DELETE, "workspace", deleted.workspace, deleted.name, deleted.identity)


@bp.route(route=f"{routes.SUBSCRIPTION}/workspaces", methods=["GET"])
@arm()
def workspaces_list(req: func.HttpRequest) -> func.HttpResponse:
    """Workspaces_List: those of the subscription."""
    return _listed(req, None)


@bp.route(route=routes.WORKSPACES, methods=["GET"])
@arm()
def workspaces_list_by_resource_group(req: func.HttpRequest) -> func.HttpResponse:
    """Workspaces_ListByResourceGroup."""
    group, own = req.route_params["resource_group"], backend().settings.scope.resource_group
    return _listed(req, "" if group.lower() == own.lower() else group)


def _listed(req: func.HttpRequest, group: str | None) -> func.HttpResponse:
    workspaces = backend().workspaces
    return paged(
        req,
        lambda after, most: workspaces.list_workspaces(group, after, most),
        resource,
        lambda row: row.name,
    )
