"""HTTP answers in ARM's form, and the checks that every request passes first."""

import functools
import json
import logging
from collections.abc import Callable
from typing import Any

import azure.functions as func

from api.wired import backend
from shared import rest
from shared.errors import NotFoundError, StoreError
from shared.names import name_fault

log = logging.getLogger(__name__)

Handler = Callable[[func.HttpRequest], func.HttpResponse]


def answer(body: dict[str, Any], status: int = 200) -> func.HttpResponse:
    """A JSON answer."""
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json")


def refuse(status: int, code: str, message: str) -> func.HttpResponse:
    """An error in ARM's form."""
    return answer(rest.error_body(code, message), status)


def arm(*names: str) -> Callable[[Handler], Handler]:
    """Decorates an ARM operation: api-version, subscription, resource group and the route's `names` are
    checked, and our exceptions become ARM errors."""

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def checked(req: func.HttpRequest) -> func.HttpResponse:
            fault = _version_fault(req) or _scope_fault(req) or _names_fault(req, names)
            if fault:
                return fault
            try:
                return handler(req)
            except NotFoundError as error:
                return refuse(404, "JobNotFound", str(error))
            except StoreError:
                log.exception("storage failed", extra={"action": "http", "url": req.url})
                return refuse(503, "ServiceUnavailable", "Storage did not answer as it should; try again.")

        return checked

    return decorate


def _version_fault(req: func.HttpRequest) -> func.HttpResponse | None:
    version = req.params.get("api-version", "")
    if not version:
        text = f"The api-version query parameter (?api-version=) is required; use {rest.API_VERSION}."
        return refuse(400, "MissingApiVersionParameter", text)
    if version != rest.API_VERSION:
        text = f"The api-version '{version}' is invalid. The supported version is '{rest.API_VERSION}'."
        return refuse(400, "InvalidApiVersionParameter", text)
    return None


def _scope_fault(req: func.HttpRequest) -> func.HttpResponse | None:
    scope = backend().settings.scope
    subscription, group = req.route_params["subscription"], req.route_params["resource_group"]
    if subscription.lower() != scope.subscription_id.lower():
        return refuse(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
    if group.lower() != scope.resource_group.lower():
        return refuse(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
    return None


def _names_fault(req: func.HttpRequest, names: tuple[str, ...]) -> func.HttpResponse | None:
    faults = [fault for kind in names if (fault := name_fault(kind, req.route_params[kind]))]
    return refuse(400, "InvalidResourceName", "; ".join(faults)) if faults else None
