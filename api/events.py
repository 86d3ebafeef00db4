"""The changes of a workspace's jobs, as CloudEvents (ours)."""

from datetime import UTC, datetime, timedelta

import azure.functions as func

from api import routes
from api.answers import answer, arm
from api.filters import moment
from api.requests import next_link, page_size, skip_token, workspace_of
from api.resources import forms
from api.wired import backend

bp = func.Blueprint()
_DEFAULT = timedelta(hours=1)


@bp.route(route=f"{routes.WORKSPACE}/events", methods=["GET"])
@arm("workspace", beside=True)
def events_list(req: func.HttpRequest) -> func.HttpResponse:
    """200 with a page of what happened since ?since= (an hour ago), oldest first."""
    workspace, services = workspace_of(req), backend()
    since = moment(req, "since") or datetime.now(UTC) - _DEFAULT
    token, most = skip_token(req), page_size(req)
    services.workspaces.workspace(workspace)  # there may be none of that name
    found = services.events.feed.page(workspace, since, token, most)
    link = next_link(req, found.token) if found.token else None
    return answer(forms.page([dict(event) for event in found.events], link))
