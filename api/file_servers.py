"""File servers: PUT, GET, DELETE, list. No machine is made for one; see docs/reference/rest-api.md."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import azure.functions as func

from api import routes
from api.answers import accepted, arm, gone, paged, shown
from api.requests import read_object, workspace_of
from api.resources.file_servers import file_server_detail
from api.resources.operations import Verb
from api.resources.workspaces import file_server_resource
from api.wired import backend
from shared.errors import RequestError

if TYPE_CHECKING:
    from shared.stores.workspace_table import Row

bp = func.Blueprint()


def _resource(row: "Row") -> dict[str, Any]:
    scope = backend().settings.scope
    return file_server_resource(row.workspace, row.name, row.created, row.deleting, row.detail, scope)


@bp.route(route=routes.FILE_SERVER, methods=["PUT"])
@arm("workspace", "file_server")
def file_servers_create(req: func.HttpRequest) -> func.HttpResponse:
    """FileServers_Create: 202; the operation fails where no address of a server was given."""
    properties = read_object(req).get("properties")
    if not isinstance(properties, dict):
        raise RequestError(
            "The request content must hold an object called properties.", "InvalidRequestContent"
        )
    route = req.route_params
    detail = file_server_detail(properties)
    row = backend().workspaces.put_file_server(workspace_of(req), route["file_server"], detail)
    return accepted(req, Verb.CREATE, "fileServer", row.workspace, row.name, row.identity)


@bp.route(route=routes.FILE_SERVER, methods=["GET"])
@arm("workspace", "file_server")
def file_servers_get(req: func.HttpRequest) -> func.HttpResponse:
    """FileServers_Get: 200, or 404 FileServerNotFound."""
    row = backend().workspaces.file_server(workspace_of(req), req.route_params["file_server"])
    return shown(_resource(row), row.etag, row.written or datetime.now(UTC))


@bp.route(route=routes.FILE_SERVER, methods=["DELETE"])
@arm("workspace", "file_server")
def file_servers_delete(req: func.HttpRequest) -> func.HttpResponse:
    """FileServers_Delete: 202, 204 where there is none."""
    route = req.route_params
    deleted = backend().cascade.delete_file_server(workspace_of(req), route["file_server"])
    if deleted is None:
        return gone()
    return accepted(req, Verb.DELETE, "fileServer", deleted.workspace, deleted.name, deleted.identity)


@bp.route(route=routes.FILE_SERVERS, methods=["GET"])
@arm("workspace")
def file_servers_list(req: func.HttpRequest) -> func.HttpResponse:
    """FileServers_ListByWorkspace."""
    workspaces, workspace = backend().workspaces, workspace_of(req)
    workspaces.workspace(workspace)
    return paged(
        req,
        lambda after, most: workspaces.list_file_servers(workspace, after, most),
        _resource,
        lambda row: row.name,
    )
