"""What belongs to no workspace: operations, usages, how operations stand, and wrong addresses."""

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import azure.functions as func

from api import routes
from api.answers import answer, arm, empty, headed, nothing_there, refuse
from api.requests import base, query
from api.resources import forms, provider
from api.resources.operations import Operation, Progress, operation_body, operation_from
from api.wired import backend
from shared.errors import NotFoundError
from shared.jobs.allocation import present

if TYPE_CHECKING:
    from shared.stores.cluster_table import ClusterRow

bp = func.Blueprint()
_METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"]


@bp.route(route=f"{routes.PROVIDER}/operations", methods=["GET"])
@arm()
def operations_list(req: func.HttpRequest) -> func.HttpResponse:
    """Operations_List."""
    return answer(forms.page(provider.operations()))


@bp.route(route=f"{routes.LOCATION}/usages", methods=["GET"])
@arm()
def usages_list(req: func.HttpRequest) -> func.HttpResponse:
    """Usages_List: what there is, wherever it is; no quotas are set."""
    services = backend()
    rows = services.clusters.list_all()[0]
    live = sum(len(services.manager.live(row.id)) for row in rows)
    workspaces = len(services.workspaces.list_workspaces())
    return answer(forms.page(provider.usages([_use(row) for row in rows], workspaces, live)))


def _use(row: "ClusterRow") -> provider.ClusterUse:
    nodes, scale = backend().clusters.nodes_of(row)
    properties = json.loads(row.properties)
    low = properties.get("vmPriority") == "lowpriority"
    return provider.ClusterUse(properties.get("vmSize"), low, len(present(nodes, scale)), scale.most)


@bp.route(route=f"{routes.LOCATION}/operationresults/{{operation}}", methods=["GET"])
@arm()
def operation_results(req: func.HttpRequest) -> func.HttpResponse:
    """The address of the header Azure-AsyncOperation: 200 with InProgress, Succeeded or Failed."""
    operation, progress = _followed(req)
    url = f"{base(req)}{urlsplit(req.url).path}"
    headers = {"Retry-After": "1"} if progress.ended is None else {}
    return answer(operation_body(operation, progress, url, backend().settings.scope), headers=headers)


@bp.route(route=f"{routes.LOCATION}/operationstatuses/{{operation}}", methods=["GET"])
@arm()
def operation_statuses(req: func.HttpRequest) -> func.HttpResponse:
    """The address of the header Location: 202 while the operation runs, then 204."""
    _, progress = _followed(req)
    if progress.ended is None:
        headers = {"Location": f"{base(req)}{_path_and_query(req)}", "Retry-After": "1"}
        return empty(202, headers)
    if progress.error:
        return refuse(409, *progress.error)
    return empty(204)


@bp.route(route="subscriptions/{*rest}", methods=_METHODS)
def wrong_address(req: func.HttpRequest) -> func.HttpResponse:
    """Everything below /subscriptions that is no route, or has no such method."""
    return headed(_refused(req))


@bp.route(route="providers/{*rest}", methods=_METHODS)
def wrong_provider_address(req: func.HttpRequest) -> func.HttpResponse:
    """Everything below /providers that is no route, or has no such method."""
    return headed(_refused(req))


def _refused(req: func.HttpRequest) -> func.HttpResponse:
    path = urlsplit(req.url).path
    methods = routes.methods_of(path.strip("/"))
    if methods is None:
        return nothing_there(req)
    text = f"The resource does not support {req.method}; it supports {methods}."
    refused = refuse(405, "MethodNotAllowed", text)
    refused.headers["Allow"] = methods
    return refused


def _followed(req: func.HttpRequest) -> tuple[Operation, Progress]:
    from api.operation_status import follow

    guid = req.route_params["operation"]
    operation = operation_from(guid, query(req, "t"))
    if operation is None:
        raise NotFoundError(f"There is no operation {guid[:100]}", "OperationNotFound")
    return operation, follow(backend(), operation)


def _path_and_query(req: func.HttpRequest) -> str:
    parts = urlsplit(req.url)
    return f"{parts.path}?{parts.query}"
