"""The console, a page for people: its files, what it has to know before it asks for anything, and what
whoever looks at it may do.

Files and config.json are there without a key: they say nothing of jobs, and a page cannot send a key before
it is loaded. Everything that it asks for then needs what every operation needs.
"""

import logging
import os
from urllib.parse import urlsplit

import azure.functions as func

from api import roles, routes, static_files
from api.answers import answer, arm, headed, nothing_there, refuse
from api.submitters import submitter
from api.wired import backend
from shared.errors import BatchAIError
from shared.names.submitters import NOBODY
from shared.package import package_version
from shared.settings_reader import http_level

bp = func.Blueprint()
log = logging.getLogger(__name__)
_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Batch AI: the console is not built</title>
<h1>The console is not built</h1>
<p>The function app runs, but the files of its page are not there. In a checkout, build them with
<code>make console</code> and load this page again; whoever deploys the app does so before
<code>azd deploy</code>.</p>
<p>Everything else works: <code>batchai job list</code>, the REST API, and <a href="/health">/health</a>.</p>
</html>
"""


@bp.route(route="/", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def console_root(req: func.HttpRequest) -> func.HttpResponse:
    """302 to the console."""
    return _to_console()


@bp.route(route="console/{*path}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def console_files(req: func.HttpRequest) -> func.HttpResponse:
    """A built file: 200, 304 where the browser has it, 404 where there is none."""
    path = req.route_params.get("path") or ""
    if not path and not urlsplit(req.url).path.endswith("/"):
        return _to_console()  # its addresses are relative to the folder
    found = static_files.find(path, req.headers.get("accept-encoding", ""))
    if found is None:
        return _missing(req, path)
    if req.headers.get("if-none-match") == found.etag:
        kept = {name: value for name, value in found.headers.items() if name != "Content-Encoding"}
        return func.HttpResponse(b"", status_code=304, headers=kept, mimetype="")
    return func.HttpResponse(found.body, headers=dict(found.headers), mimetype=found.kind)


@bp.route(route="console/config.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def console_config(req: func.HttpRequest) -> func.HttpResponse:
    """Which installation this is, and how one signs in."""
    try:
        settings = backend().settings
    except BatchAIError as error:
        log.error("request failed", exc_info=error, extra={"action": "http", "path": "/console/config.json"})
        return headed(refuse(503, "ServiceUnavailable", "The installation is not ready; see /health."))
    keyed = http_level(os.environ) != "ANONYMOUS"
    config = {
        "version": package_version(),
        "subscriptionId": settings.scope.subscription_id,
        "resourceGroup": settings.scope.resource_group,
        "workspace": settings.default_workspace,
        "signIn": "entra" if settings.http_roles else "key" if keyed else "none",
    }
    return headed(answer(config))


@bp.route(route=f"{routes.PROVIDER}/session", methods=["GET"])
@arm(beside=True)
def session(req: func.HttpRequest) -> func.HttpResponse:
    """Who asks, and what they may do: which buttons a page shows. The operations decide again themselves."""
    by_role = backend().settings.http_roles
    name = submitter(req, by_role)
    held = roles.roles_of(req) or () if by_role else roles.ALL
    return answer({"name": None if name == NOBODY else name, "may": roles.allowances(held)})


def _missing(req: func.HttpRequest, path: str) -> func.HttpResponse:
    if static_files.find("") is None and path in ("", static_files.INDEX):
        kind = "text/html"
        headers = static_files.SAFE_HEADERS | {"Cache-Control": "no-store"}
        return func.HttpResponse(_NOT_BUILT, status_code=404, headers=headers, mimetype=kind)
    return headed(nothing_there(req))


def _to_console() -> func.HttpResponse:
    headers = static_files.SAFE_HEADERS | {"Location": "/console/", "Cache-Control": "no-cache"}
    return func.HttpResponse(b"", status_code=302, headers=headers, mimetype="")
