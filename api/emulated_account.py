"""The storage account of the local stack, as `az` looks for it: to fill in keys, to make auto storage.

It is there where the installation's own account is that of the Azure Storage emulators, and nowhere else; the
key that is shown is the one below, which Microsoft has published. No setting is ever shown (docs/adr/0142).
"""

import functools
from typing import Any

import azure.functions as func

from api import routes
from api.answers import Handler, answer, arm, nothing_there, refuse
from api.requests import read_object
from api.resources import forms
from api.wired import backend
from shared.settings import AccountEndpoints

bp = func.Blueprint()
ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_ONLY = f"This stack has one storage account, {ACCOUNT}."


def emulated() -> bool:
    """Whether this installation stands on the Azure Storage emulators, as the local stack does."""
    settings = backend().settings
    return (settings.data_account, settings.data_key) == (ACCOUNT, _KEY)


def _emulated(handler: Handler) -> Handler:
    """Decorates an operation of the emulators' account: nothing is at its address where the installation has
    another one."""

    @arm(beside=True)
    @functools.wraps(handler)
    def checked(req: func.HttpRequest) -> func.HttpResponse:
        return handler(req) if emulated() else nothing_there(req)

    return checked


def _resource(group: str, location: str) -> dict[str, Any]:
    settings = backend().settings
    own = settings.endpoints.get(ACCOUNT, AccountEndpoints())
    at_group = f"/subscriptions/{settings.scope.subscription_id}/resourceGroups/{group}"
    return {
        "id": f"{at_group}/{routes.STORAGE}/{ACCOUNT}",
        "name": ACCOUNT,
        "type": "Microsoft.Storage/storageAccounts",
        "location": location,
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS", "tier": "Standard"},
        "properties": {
            "provisioningState": "Succeeded",
            "primaryLocation": location,
            "statusOfPrimary": "available",
            "primaryEndpoints": {"blob": f"{own.blob}/", "file": f"{own.file}/"},
        },
    }


def _asked(req: func.HttpRequest) -> bool:
    return str(req.route_params["account"]).lower() == ACCOUNT


def _not_found(req: func.HttpRequest) -> func.HttpResponse:
    name = f"Microsoft.Storage/storageAccounts/{req.route_params['account'][:100]}"
    group = req.route_params["resource_group"]
    text = f"The Resource '{name}' under resource group '{group}' was not found. {_ONLY}"
    return refuse(404, "ResourceNotFound", text)


@bp.route(route=routes.STORAGE_ACCOUNTS, methods=["GET"])
@_emulated
def storage_accounts_list(req: func.HttpRequest) -> func.HttpResponse:
    """StorageAccounts_List."""
    settings = backend().settings
    return answer(forms.page([_resource(settings.scope.resource_group, settings.location)]))


@bp.route(route=routes.STORAGE_ACCOUNTS_OF_GROUP, methods=["GET"])
@_emulated
def storage_accounts_list_by_resource_group(req: func.HttpRequest) -> func.HttpResponse:
    """StorageAccounts_ListByResourceGroup: the account once in every location that a workspace has.

    `az batchai cluster create --use-auto-storage` takes the first one in the location of its workspace, and
    cannot use one that it would have to make.
    """
    services, group = backend(), req.route_params["resource_group"]
    seen = [str(row.detail["location"]) for row in services.workspaces.list_workspaces()]
    places = dict.fromkeys((services.settings.location, *seen))
    return answer(forms.page([_resource(group, place) for place in places]))


@bp.route(route=routes.STORAGE_ACCOUNT, methods=["GET"])
@_emulated
def storage_accounts_get(req: func.HttpRequest) -> func.HttpResponse:
    """StorageAccounts_GetProperties: 200, or 404 ResourceNotFound."""
    if not _asked(req):
        return _not_found(req)
    return answer(_resource(req.route_params["resource_group"], backend().settings.location))


@bp.route(route=routes.STORAGE_ACCOUNT, methods=["PUT"])
@_emulated
def storage_accounts_create(req: func.HttpRequest) -> func.HttpResponse:
    """StorageAccounts_Create: 200 with the account that is there, 409 for any other."""
    if not _asked(req):
        return refuse(409, "StorageAccountNotServed", f"No storage account can be made here. {_ONLY}")
    return answer(_resource(req.route_params["resource_group"], backend().settings.location))


@bp.route(route=f"{routes.STORAGE_ACCOUNT}/listKeys", methods=["POST"])
@_emulated
def storage_accounts_list_keys(req: func.HttpRequest) -> func.HttpResponse:
    """StorageAccounts_ListKeys: the published key, or 404 ResourceNotFound."""
    if not _asked(req):
        return _not_found(req)
    return answer({"keys": [{"keyName": "key1", "value": _KEY, "permissions": "FULL"}]})


@bp.route(route=routes.STORAGE_NAMES, methods=["POST"])
@_emulated
def storage_accounts_check_name(req: func.HttpRequest) -> func.HttpResponse:
    """StorageAccounts_CheckNameAvailability: no name can be had."""
    taken = str(read_object(req).get("name", "")).lower() == ACCOUNT
    reason = "AlreadyExists" if taken else "AccountNameInvalid"
    return answer({"nameAvailable": False, "reason": reason, "message": _ONLY})
