"""Jobs: PUT, GET, DELETE, list, terminate, the history of runs, and the nodes of a job."""

from typing import TYPE_CHECKING

import azure.functions as func

from api import audit, routes
from api.answers import accepted, answer, arm, gone, paged, refuse_document, shown
from api.filters import job_filter
from api.requests import next_link, page_size, skip_token, workspace_of
from api.resources import forms
from api.resources.clusters import login_information
from api.resources.jobs import job_resource, run_resource
from api.resources.operations import Verb
from api.submitters import submitter
from api.wired import backend
from shared.errors import NotFoundError
from shared.names.ids import JobId

if TYPE_CHECKING:
    from shared.jobs.model import Job

bp = func.Blueprint()
#: What a GET says of a job's place in the queue may be this old.
_LOOK_SECONDS = 2.0
_CONFLICTS = ("JobAlreadyExists", "ResourceBeingDeleted", "QuotaExceeded", "TooManyWorkspaces")
_STATUS = dict.fromkeys(_CONFLICTS, 409) | {"ClusterNotFound": 404}


def job_of(req: func.HttpRequest) -> JobId:
    """The job that a route names."""
    route = req.route_params
    return JobId(workspace_of(req), route["experiment"], route["job"])


def run_of(req: func.HttpRequest) -> "Job":
    """The run that a route names. Raises NotFoundError."""
    wanted = req.route_params["run"].lower()
    for run in backend().manager.runs(job_of(req)):
        if run.uuid.lower() == wanted:
            return run
    raise NotFoundError(f"The specified run {wanted[:100]} is not found", "RunNotFound")


@bp.route(route=routes.JOB, methods=["PUT"])
@arm("workspace", "experiment", "job")
def jobs_create(req: func.HttpRequest) -> func.HttpResponse:
    """Jobs_Create: 202 for a new job, 200 with the resource for the same document again, 409 for another
    document under a name that is taken. Workspace, experiment and cluster must be there."""
    route, services = req.route_params, backend()
    workspace, experiment = services.workspaces.require(workspace_of(req), route["experiment"])
    by = submitter(req, services.settings.http_roles)
    made = services.manager.submit_http(JobId(workspace, experiment, route["job"]), req.get_body(), by)
    if made.job is None:
        code = str(made.fault)
        return refuse_document(code, made.problems, _STATUS.get(code, 400))
    job = made.job
    audit.about_run(job.uuid)
    if made.known:
        return shown(job_resource(job, services.settings.scope), job.etag, job.state_since)
    at = job.id
    return accepted(req, Verb.CREATE, "job", at.workspace, at.job, job.uuid, at.experiment)


@bp.route(route=routes.JOB, methods=["GET"])
@arm("workspace", "experiment", "job")
def jobs_get(req: func.HttpRequest) -> func.HttpResponse:
    """Jobs_Get: 200 with the resource, 404 JobNotFound. A queued job says why it waits."""
    manager, scope = backend().manager, backend().settings.scope
    job = manager.get(job_of(req))
    return shown(job_resource(job, scope, manager.why(job, _LOOK_SECONDS)), job.etag, job.state_since)


@bp.route(route=routes.JOB, methods=["DELETE"])
@arm("workspace", "experiment", "job")
def jobs_delete(req: func.HttpRequest) -> func.HttpResponse:
    """Jobs_Delete: 202; a running job is stopped first. 204 where there is none."""
    services = backend()
    job = services.manager.delete(job_of(req), submitter(req, services.settings.http_roles))
    if job is None:
        return gone()
    audit.about_run(job.uuid)
    return accepted(req, Verb.DELETE, "job", job.id.workspace, job.id.job, job.uuid, job.id.experiment)


@bp.route(route=routes.JOBS, methods=["GET"])
@arm("workspace", "experiment")
def jobs_list(req: func.HttpRequest) -> func.HttpResponse:
    """Jobs_ListByExperiment; ours: state, createdafter, createdbefore, prefix."""
    workspace, experiment = workspace_of(req), req.route_params["experiment"]
    backend().workspaces.workspace(workspace)
    backend().workspaces.experiment(workspace, experiment)
    asked, most, scope = job_filter(req), page_size(req), backend().settings.scope
    found = backend().lists.page(workspace, experiment, asked, skip_token(req), most)
    link = next_link(req, found.token) if found.token else None
    return answer(forms.page([job_resource(job, scope) for job in found.jobs], link))


@bp.route(route=f"{routes.JOB}/terminate", methods=["POST"])
@arm("workspace", "experiment", "job")
def jobs_terminate(req: func.HttpRequest) -> func.HttpResponse:
    """Jobs_Terminate: 202, also for a job that has ended."""
    services = backend()
    job = services.manager.terminate(job_of(req), submitter(req, services.settings.http_roles))
    audit.about_run(job.uuid)
    return accepted(req, Verb.TERMINATE, "job", job.id.workspace, job.id.job, job.uuid, job.id.experiment)


@bp.route(route=f"{routes.JOB}/listRemoteLoginInformation", methods=["GET", "POST"])
@arm("workspace", "experiment", "job")
def jobs_list_remote_login_information(req: func.HttpRequest) -> func.HttpResponse:
    """Jobs_ListRemoteLoginInformation: the nodes that work on it at this moment."""
    services = backend()
    job = services.manager.get(job_of(req))
    # The row names the owner a moment before the node says what it works on.
    alive = services.clusters.alive_nodes(job.cluster)
    nodes = [n for n in alive if n.job == job.uuid or n.node_id == job.owner]
    return answer(forms.page(login_information((node.node_id, node.address) for node in nodes)))


@bp.route(route=f"{routes.JOB}/runs", methods=["GET"])
@arm("workspace", "experiment", "job")
def jobs_list_runs(req: func.HttpRequest) -> func.HttpResponse:
    """The runs under a name, oldest first (ours)."""
    runs, scope = backend().manager.runs(job_of(req)), backend().settings.scope

    def page(after: str, most: int) -> list[int]:
        first = int(after) + 1 if after.isdecimal() and len(after) < 9 else 0
        return list(range(first, len(runs)))[:most]

    return paged(req, page, lambda index: run_resource(runs[index], scope), str)


@bp.route(route=routes.RUN, methods=["GET"])
@arm("workspace", "experiment", "job")
def jobs_get_run(req: func.HttpRequest) -> func.HttpResponse:
    """One run under a name (ours): 200, or 404 RunNotFound."""
    run = run_of(req)
    return shown(run_resource(run, backend().settings.scope), run.etag, run.state_since)
