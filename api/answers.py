"""HTTP answers in ARM's form, and the checks that every request passes first."""

import functools
import hashlib
import json
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import azure.functions as func

from api import audit, roles
from api.requests import MOST_BYTES, base, is_foreign, next_link, page_size, query, skip_token
from api.resources import forms, operations
from api.resources.operations import Operation, Verb
from api.submitters import submitter
from api.wired import backend
from shared.errors import BatchAIError, ConflictError, NotFoundError, Problem, RequestError, SettingsError
from shared.names.ids import API_VERSION, group_fault, name_fault
from shared.names.submitters import UNKNOWN

log = logging.getLogger(__name__)

Handler = Callable[[func.HttpRequest], func.HttpResponse]
T = TypeVar("T")


def answer(
    body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """A JSON answer."""
    kind = "application/json; charset=utf-8"
    return func.HttpResponse(json.dumps(body), status_code=status, headers=dict(headers or {}), mimetype=kind)


def empty(status: int, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """An answer without a body, and so without a type of one."""
    return func.HttpResponse(b"", status_code=status, headers=dict(headers or {}), mimetype="")


def headed(response: func.HttpResponse, request_id: str = "") -> func.HttpResponse:
    """The answer with what every recorded one has: it is not kept, and it has a name of its own. `request_id`
    "": a new one."""
    given = request_id or str(uuid.uuid4())
    response.headers.update(_EVERY | {"x-ms-request-id": given, "request-id": given})
    return response


_EVERY = {
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "X-Content-Type-Options": "nosniff",
}


def refuse(status: int, code: str, message: str) -> func.HttpResponse:
    """An error in ARM's form."""
    headers = {"Retry-After": "5"} if status == 503 else {}
    return answer(forms.error_body(code, message), status, headers)


def refuse_document(code: str, problems: Sequence[Problem], status: int = 400) -> func.HttpResponse:
    """The answer to a document that cannot be accepted: every problem at once."""
    return answer(forms.refused_body(code, problems), status)


def shown(body: Mapping[str, Any], etag: str, modified: datetime) -> func.HttpResponse:
    """A resource, with its ETag and when it was last changed (UTC)."""
    when = format_datetime(modified.astimezone(UTC), usegmt=True)
    return answer(body, headers={"ETag": etag, "Last-Modified": when})


def unchanged(req: func.HttpRequest, full: func.HttpResponse) -> func.HttpResponse:
    """An answer with an ETag of its content, or 304 where the caller has just that: a poll then costs few
    bytes."""
    etag = f'W/"{hashlib.sha256(full.get_body()).hexdigest()[:32]}"'
    known = [one.strip() for one in req.headers.get("if-none-match", "").split(",")]
    if etag in known:
        return empty(304, {"ETag": etag})
    full.headers["ETag"] = etag
    return full


def paged(
    req: func.HttpRequest,
    fetch: Callable[[str, int], Sequence[T]],
    show: Callable[[T], dict[str, Any]],
    name: Callable[[T], str],
) -> func.HttpResponse:
    """A page of `maxresults` resources. `fetch(after, most)` finds them by name, `name` says it."""
    most = page_size(req)
    # One more than asked for says whether there is another page.
    found = fetch(skip_token(req), most + 1)
    link = next_link(req, name(found[most - 1])) if len(found) > most else None
    return answer(forms.page([show(item) for item in found[:most]], link))


def accepted(
    req: func.HttpRequest,
    verb: Verb,
    kind: str,
    workspace: str,
    name: str,
    identity: str,
    experiment: str = "",
) -> func.HttpResponse:
    """202 with an empty body and the two addresses of the operation, as recorded."""
    started = datetime.now(UTC)
    operation = Operation(str(uuid.uuid4()), verb, kind, workspace, experiment, name, identity, started)
    services = backend()
    location = services.workspaces.location(workspace)
    results, statuses = operations.addresses(operation, base(req), services.settings.scope, location)
    key = query(req, "code")  # a function key in the query must be in the addresses too
    more = f"&{urlencode({'code': key})}" if key else ""
    headers = {"Azure-AsyncOperation": results + more, "Location": statuses + more, "Retry-After": "1"}
    return empty(202, headers)


def gone() -> func.HttpResponse:
    """The answer to the deletion of what is not there."""
    return empty(204)


def nothing_there(req: func.HttpRequest) -> func.HttpResponse:
    """The answer to an address that is none."""
    path = urlsplit(req.url).path
    return refuse(404, "InvalidResourceType", f"There is nothing at {path[:400]}.")


def arm(*names: str, beside: bool = False) -> Callable[[Handler], Handler]:
    """Decorates an ARM operation: roles, size, api-version, subscription, resource group and the route's
    `names` are checked, and our exceptions become ARM errors. `beside`: an operation beside Batch AI, with
    versions of its own, which looks at the resource group itself."""

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def checked(req: func.HttpRequest) -> func.HttpResponse:
            request_id = str(uuid.uuid4())
            audit.forget_run()
            try:
                response = _fault(req, names, beside) or handler(req)
            except Exception as error:
                response = _translated(req, error, request_id)
            if audit.is_act(req, names):
                audit.answered(req, names, response, request_id, _by(req))
            return headed(response, request_id)

        return checked

    return decorate


def _by(req: func.HttpRequest) -> str:
    try:
        return submitter(req, backend().settings.http_roles)
    except BatchAIError:  # settings that are wrong: nothing was done either
        return UNKNOWN


def _translated(req: func.HttpRequest, error: Exception, request_id: str) -> func.HttpResponse:
    code = getattr(error, "code", "")
    if isinstance(error, RequestError):
        return refuse(400, code, str(error))
    if isinstance(error, NotFoundError) and code:
        return refuse(404, code, str(error))
    if isinstance(error, ConflictError) and code:
        return refuse(409, code, str(error))
    path = req.url.partition("?")[0]
    fields = {"action": "http", "method": req.method, "path": path, "request_id": request_id}
    log.error("request failed", exc_info=error, extra=fields)
    if isinstance(error, SettingsError):
        return refuse(503, "ServiceUnavailable", "The settings of this installation are wrong; see /health.")
    if isinstance(error, BatchAIError):
        return refuse(503, "ServiceUnavailable", f"Storage did not do what was asked ({error}); try again.")
    return refuse(500, "InternalServerError", "An unexpected error occurred; the log of the service has it.")


def _fault(req: func.HttpRequest, names: tuple[str, ...], beside: bool) -> func.HttpResponse | None:
    if is_foreign(req):
        return refuse(403, "OriginNotAllowed", "A page of another site may not change anything here.")
    if backend().settings.http_roles and (refusal := _role_fault(req, names)):
        return refusal
    length = req.headers.get("content-length", "0")
    if (length.isdecimal() and int(length) > MOST_BYTES) or len(req.get_body()) > MOST_BYTES:
        text = f"The request content is larger than {MOST_BYTES} bytes."
        return refuse(413, "RequestEntityTooLarge", text)
    return _version_fault(req, beside) or _scope_fault(req) or _names_fault(req, names)


def _role_fault(req: func.HttpRequest, names: tuple[str, ...]) -> func.HttpResponse | None:
    held = roles.roles_of(req)
    if held is None:
        return refuse(401, "AuthenticationFailed", "Authentication failed. An Entra token is needed.")
    if roles.may(held, req, names):
        return None
    text = f"The client does not have authorization to perform this: it needs {roles.needed(req, names)[0]}."
    return refuse(403, "AuthorizationFailed", text)


def _version_fault(req: func.HttpRequest, beside: bool) -> func.HttpResponse | None:
    version = query(req, "api-version")
    if not version:
        text = f"The api-version query parameter (?api-version=) is required; use {API_VERSION}."
        return refuse(400, "MissingApiVersionParameter", text)
    if version != API_VERSION and not beside:
        text = f"The api-version '{version}' is invalid. The supported version is '{API_VERSION}'."
        return refuse(400, "InvalidApiVersionParameter", text)
    return None


def _scope_fault(req: func.HttpRequest) -> func.HttpResponse | None:
    scope = backend().settings.scope
    subscription = req.route_params.get("subscription", scope.subscription_id)
    group = req.route_params.get("resource_group", scope.resource_group)
    if subscription.lower() != scope.subscription_id.lower():
        return refuse(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
    if not scope.serves(group):
        return refuse(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
    fault = group_fault(group)
    return refuse(400, "InvalidResourceGroup", fault) if fault else None


def _names_fault(req: func.HttpRequest, names: tuple[str, ...]) -> func.HttpResponse | None:
    words = {kind: kind.replace("_", " ") for kind in names}
    faults = [fault for kind in names if (fault := name_fault(words[kind], req.route_params[kind]))]
    return refuse(400, "InvalidResourceName", "; ".join(faults)) if faults else None
