"""Jobs: GET one, GET the list of an experiment."""

from urllib.parse import quote

import azure.functions as func

from api.answers import answer, arm, refuse
from api.wired import backend
from shared import rest
from shared.names import JobId

bp = func.Blueprint()
_EXPERIMENT = (
    "subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.BatchAI"
    "/workspaces/{workspace}/experiments/{experiment}"
)
_MOST = 1000


@bp.route(route=f"{_EXPERIMENT}/jobs/{{job}}", methods=["GET"])
@arm("workspace", "experiment", "job")
def jobs_get(req: func.HttpRequest) -> func.HttpResponse:
    """Jobs_Get: 200 with the resource, 404 JobNotFound. A queued job tells why it waits."""
    route = req.route_params
    manager, scope = backend().manager, backend().settings.scope
    job = manager.get(JobId(route["workspace"], route["experiment"], route["job"]))
    return answer(rest.job_resource(job, scope, manager.why(job)))


@bp.route(route=f"{_EXPERIMENT}/jobs", methods=["GET"])
@arm("workspace", "experiment")
def jobs_list(req: func.HttpRequest) -> func.HttpResponse:
    """Jobs_ListByExperiment: pages of `maxresults` (1 to 1000) with nextLink."""
    try:
        most = int(req.params.get("maxresults", _MOST))
    except ValueError:
        most = 0
    if not 1 <= most <= _MOST:
        return refuse(400, "InvalidQueryParameter", f"maxresults must be a number from 1 to {_MOST}.")
    workspace, experiment = req.route_params["workspace"], req.route_params["experiment"]
    after = req.params.get("$skiptoken", "")
    # One more than asked for tells whether there is another page.
    jobs = backend().manager.list_jobs(workspace, experiment, after, most + 1)
    scope = backend().settings.scope
    link = None
    if len(jobs) > most:
        jobs = jobs[:most]
        base = req.url.partition("?")[0]
        token = quote(jobs[-1].id.job)
        link = f"{base}?api-version={rest.API_VERSION}&maxresults={most}&$skiptoken={token}"
    return answer(rest.page([rest.job_resource(job, scope) for job in jobs], link))
