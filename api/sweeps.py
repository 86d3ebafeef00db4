"""Sweeps (ours): PUT, GET, DELETE, lists, terminate, rerun, and a page of runs."""

import azure.functions as func

from api import routes
from api.answers import answer, arm, empty, gone, paged, refuse_document, shown, unchanged
from api.requests import next_link, page_size, skip_token, workspace_of
from api.resources import forms
from api.resources.sweeps import listed_sweep, run_resource, sweep_resource
from api.submitters import submitter
from api.wired import backend
from shared.errors import RequestError
from shared.names.sweep_ids import SweepId

bp = func.Blueprint()
#: Sweeps that one answer lists. A workspace with more is rare, and its page says that there are more.
_MOST_LISTED = 500
_STATUS = {"SweepAlreadyExists": 409, "ResourceBeingDeleted": 409, "ClusterNotFound": 404}


def sweep_of(req: func.HttpRequest) -> SweepId:
    """The sweep that a route names."""
    route = req.route_params
    return SweepId(workspace_of(req), route["experiment"], route["sweep"])


@bp.route(route=routes.SWEEP, methods=["PUT"])
@arm("workspace", "experiment", "sweep")
def sweeps_create(req: func.HttpRequest) -> func.HttpResponse:
    """201 with the resource for a new sweep, 200 for the same document again, 409 for another document under
    a name that is taken. Workspace, experiment and cluster must be there."""
    route, services = req.route_params, backend()
    workspace, experiment = services.workspaces.require(workspace_of(req), route["experiment"])
    by = submitter(req, services.settings.http_roles)
    sweep = SweepId(workspace, experiment, route["sweep"])
    made = services.sweeps.submit_http(sweep, req.get_body(), by)
    if made.sweep is None:
        return refuse_document(made.code, made.problems, _STATUS.get(made.code, 400))
    return answer(sweep_resource(made.sweep, services.settings.scope), 200 if made.known else 201)


@bp.route(route=routes.SWEEP, methods=["GET"])
@arm("workspace", "experiment", "sweep")
def sweeps_get(req: func.HttpRequest) -> func.HttpResponse:
    """200 with the resource, 404 SweepNotFound."""
    sweep = backend().sweeps.get(sweep_of(req))
    return shown(sweep_resource(sweep, backend().settings.scope), sweep.etag, sweep.state_since)


@bp.route(route=routes.SWEEP, methods=["DELETE"])
@arm("workspace", "experiment", "sweep")
def sweeps_delete(req: func.HttpRequest) -> func.HttpResponse:
    """202: its runs are stopped and removed, then it is gone (GET: 404). 204 where there is none."""
    sweep = backend().sweeps.delete(sweep_of(req))
    return gone() if sweep is None else empty(202)


@bp.route(route=routes.SWEEPS, methods=["GET"])
@arm("workspace", "experiment")
def sweeps_list(req: func.HttpRequest) -> func.HttpResponse:
    """The sweeps of an experiment by name."""
    services, workspace, experiment = backend(), workspace_of(req), req.route_params["experiment"]
    services.workspaces.workspace(workspace)
    services.workspaces.experiment(workspace, experiment)
    scope = services.settings.scope
    return paged(
        req,
        lambda after, most: services.sweeps.list_sweeps(workspace, experiment, after, most),
        lambda sweep: sweep_resource(sweep, scope),
        lambda sweep: sweep.id.sweep,
    )


@bp.route(route=f"{routes.WORKSPACE}/sweeps", methods=["GET"])
@arm("workspace", beside=True)
def sweeps_list_of_workspace(req: func.HttpRequest) -> func.HttpResponse:
    """The sweeps of all experiments, newest first; `truncated`: there are more than an answer holds. 304
    where the caller has it already (If-None-Match)."""
    services, workspace = backend(), workspace_of(req)
    found = services.sweeps.list_sweeps(workspace, most=_MOST_LISTED + 1)
    if not found:
        services.workspaces.workspace(workspace)  # there may be none of that name
    newest = sorted(found[:_MOST_LISTED], key=lambda sweep: sweep.created, reverse=True)
    value = [listed_sweep(sweep, services.settings.scope) for sweep in newest]
    return unchanged(req, answer({"value": value, "truncated": len(found) > _MOST_LISTED}))


@bp.route(route=f"{routes.SWEEP}/runs", methods=["GET"])
@arm("workspace", "experiment", "sweep")
def sweeps_list_runs(req: func.HttpRequest) -> func.HttpResponse:
    """The runs of a sweep by index, with parameters, state and metric; 304 where the caller has them."""
    services, token, most = backend(), skip_token(req), page_size(req)
    if token and not token.isdecimal():
        raise RequestError("$skiptoken is not one that a nextLink held.", "InvalidQueryParameterValue")
    sweep = services.sweeps.get(sweep_of(req))
    page = services.sweeps.runs(sweep, min(int(token or 0), sweep.count), most)
    scope = services.settings.scope
    runs = [
        run_resource(sweep, n, page.plan.values(n), page.results.get(n), page.jobs.get(n), scope)
        for n in range(page.first, page.end)
    ]
    link = next_link(req, str(page.end)) if page.end < sweep.count else None
    return unchanged(req, answer(forms.page(runs, link)))


@bp.route(route=f"{routes.SWEEP}/terminate", methods=["POST"])
@arm("workspace", "experiment", "sweep")
def sweeps_terminate(req: func.HttpRequest) -> func.HttpResponse:
    """202 with the resource, also for a sweep that has ended: its state says when it is over."""
    sweep = backend().sweeps.terminate(sweep_of(req))
    return answer(sweep_resource(sweep, backend().settings.scope), 202)


@bp.route(route=f"{routes.SWEEP}/rerun", methods=["POST"])
@arm("workspace", "experiment", "sweep")
def sweeps_rerun(req: func.HttpRequest) -> func.HttpResponse:
    """202 with the resource: the runs that failed, or were never made, are done again. 409
    SweepCannotRunAgain for a sweep that is not at its end, or whose every run has succeeded."""
    sweep = backend().sweeps.rerun(sweep_of(req))
    return answer(sweep_resource(sweep, backend().settings.scope), 202)
