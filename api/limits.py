"""The limits of a workspace and of its submitters, and what is used of each (ours)."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import azure.functions as func

from api import routes
from api.answers import answer, arm
from api.requests import next_link, page_size, skip_token, workspace_of
from api.resources import forms
from api.resources.limits import SUBMITTER, WORKSPACE, names_of, used_of
from api.wired import backend

if TYPE_CHECKING:
    from shared.jobs.fair_share import Shares

bp = func.Blueprint()
#: What is shown may be this old, so that pages and many who ask cost one count.
_LOOK_SECONDS = 5.0


@bp.route(route=f"{routes.WORKSPACE}/limits", methods=["GET"])
@arm("workspace", beside=True)
def limits_get(req: func.HttpRequest) -> func.HttpResponse:
    """200 with a page: the workspace first, then its submitters by name; "*" is whoever has no line."""
    services, most, after = backend(), page_size(req), skip_token(req)
    row = services.workspaces.workspace(workspace_of(req))
    shares = services.manager.shares(row.name, _LOOK_SECONDS)
    names = [name for name in names_of(shares) if name > after]
    value = [used_of(shares, SUBMITTER, name) for name in names[:most]]
    if not after:
        value.insert(0, used_of(shares, WORKSPACE, row.name))
    link = next_link(req, names[most - 1]) if len(names) > most else None
    return answer(_about(shares) | forms.page(value, link))


def _about(shares: "Shares") -> dict[str, Any]:
    return {"over": shares.limits.over, "month": f"{datetime.now(UTC):%Y-%m}"}
