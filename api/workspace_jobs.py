"""The jobs of a workspace, all experiments together and newest first (ours)."""

from typing import TYPE_CHECKING, Any

import azure.functions as func

from api import routes
from api.answers import answer, arm, unchanged
from api.filters import job_filter
from api.requests import next_link, page_size, query, skip_token, workspace_of
from api.resources import forms
from api.resources.jobs import job_resource
from api.wired import backend
from shared.errors import RequestError
from shared.names.ids import name_fault

if TYPE_CHECKING:
    from shared.jobs.model import Job

bp = func.Blueprint()
#: What the page shows of a job's place in the queue may be this old: many pages are looked at all day.
_LOOK_SECONDS = 5.0


@bp.route(route=f"{routes.WORKSPACE}/jobs", methods=["GET"])
@arm("workspace", beside=True)
def jobs_list_of_workspace(req: func.HttpRequest) -> func.HttpResponse:
    """200 with a page; 304 where the caller has it already (If-None-Match)."""
    workspace, services = workspace_of(req), backend()
    asked, most, token = job_filter(req), page_size(req), skip_token(req)
    experiments = _experiments(workspace, query(req, "experiment"))
    found = services.workspace_lists.page(workspace, experiments, asked, token, most)
    if not (found.jobs or experiments):
        services.workspaces.workspace(workspace)  # there may be none of that name
    link = next_link(req, found.token) if found.token else None
    return unchanged(req, answer(forms.page([_shown(job) for job in found.jobs], link)))


def _experiments(workspace: str, asked: str) -> list[str]:
    """The experiments to look into: the one that is asked for, or all."""
    if not asked:
        return [row.name for row in backend().workspaces.list_experiments(workspace)]
    if fault := name_fault("experiment", asked):
        raise RequestError(fault, "InvalidQueryParameterValue")
    return [asked]


def _shown(job: "Job") -> dict[str, Any]:
    services = backend()
    return job_resource(job, services.settings.scope, services.manager.why(job, _LOOK_SECONDS))
