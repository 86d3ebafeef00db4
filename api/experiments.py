"""Experiments: PUT (without a body), GET, DELETE, list."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import azure.functions as func

from api import routes
from api.answers import accepted, arm, gone, paged, shown
from api.requests import workspace_of
from api.resources.operations import Verb
from api.resources.workspaces import experiment_resource
from api.wired import backend

if TYPE_CHECKING:
    from shared.stores.workspace_table import Row

bp = func.Blueprint()


def _resource(row: "Row") -> dict[str, Any]:
    scope = backend().settings.scope
    return experiment_resource(row.workspace, row.name, row.created, row.deleting, scope)


@bp.route(route=routes.EXPERIMENT, methods=["PUT"])
@arm("workspace", "experiment")
def experiments_create(req: func.HttpRequest) -> func.HttpResponse:
    """Experiments_Create: 200 with the resource. Whatever body comes is not read."""
    route = req.route_params
    row = backend().workspaces.put_experiment(workspace_of(req), route["experiment"])
    return shown(_resource(row), row.etag, row.written or datetime.now(UTC))


@bp.route(route=routes.EXPERIMENT, methods=["GET"])
@arm("workspace", "experiment")
def experiments_get(req: func.HttpRequest) -> func.HttpResponse:
    """Experiments_Get: 200, or 404 ExperimentNotFound."""
    row = backend().workspaces.experiment(workspace_of(req), req.route_params["experiment"])
    return shown(_resource(row), row.etag, row.written or datetime.now(UTC))


@bp.route(route=routes.EXPERIMENT, methods=["DELETE"])
@arm("workspace", "experiment")
def experiments_delete(req: func.HttpRequest) -> func.HttpResponse:
    """Experiments_Delete: 202; its jobs go first. 204 where there is none."""
    route = req.route_params
    deleted = backend().cascading_deletion.delete_experiment(workspace_of(req), route["experiment"])
    if deleted is None:
        return gone()
    return accepted(req, Verb.DELETE, "experiment", deleted.workspace, deleted.name, deleted.identity)


@bp.route(route=routes.EXPERIMENTS, methods=["GET"])
@arm("workspace")
def experiments_list(req: func.HttpRequest) -> func.HttpResponse:
    """Experiments_ListByWorkspace."""
    workspaces, workspace = backend().workspaces, workspace_of(req)
    workspaces.workspace(workspace)
    return paged(
        req,
        lambda after, most: workspaces.list_experiments(workspace, after, most),
        _resource,
        lambda row: row.name,
    )
