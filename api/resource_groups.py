"""Resource groups, as far as clients of Batch AI ask for them at the same address: a notebook's first cell
makes one, `az batchai workspace create` looks for its location.

This installation makes none and keeps nothing of them (docs/adr/0141): every group that it serves is there.
"""

from typing import Any

import azure.functions as func

from api import routes
from api.answers import answer, arm
from api.requests import read_object
from api.resources import forms
from api.wired import backend

bp = func.Blueprint()


def _resource(name: str) -> dict[str, Any]:
    settings = backend().settings
    return {
        "id": f"/subscriptions/{settings.scope.subscription_id}/resourceGroups/{name}",
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": settings.location,
        "properties": {"provisioningState": "Succeeded"},
    }


@bp.route(route=routes.RESOURCE_GROUP, methods=["GET"])
@arm(beside=True)
def resource_groups_get(req: func.HttpRequest) -> func.HttpResponse:
    """ResourceGroups_Get: 200, or 404 ResourceGroupNotFound."""
    return answer(_resource(req.route_params["resource_group"]))


@bp.route(route=routes.RESOURCE_GROUP, methods=["HEAD"])
@arm(beside=True)
def resource_groups_check_existence(req: func.HttpRequest) -> func.HttpResponse:
    """ResourceGroups_CheckExistence: 204, or 404."""
    return func.HttpResponse(b"", status_code=204)


@bp.route(route=routes.RESOURCE_GROUP, methods=["PUT"])
@arm(beside=True)
def resource_groups_create(req: func.HttpRequest) -> func.HttpResponse:
    """ResourceGroups_CreateOrUpdate: 200 with the group that is there; nothing of the body is kept."""
    read_object(req)
    return answer(_resource(req.route_params["resource_group"]))


@bp.route(route=routes.RESOURCE_GROUPS, methods=["GET"])
@arm(beside=True)
def resource_groups_list(req: func.HttpRequest) -> func.HttpResponse:
    """ResourceGroups_List: the installation's own."""
    return answer(forms.page([_resource(backend().settings.scope.resource_group)]))
