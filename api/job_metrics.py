"""Metrics of a job over HTTP: what it uses, and what it says of itself (ours)."""

from typing import TYPE_CHECKING

import azure.functions as func

from api import routes
from api.answers import answer, arm
from api.apart import apart
from api.job_logs import log_files
from api.jobs import job_of, run_of
from api.requests import number
from api.wired import backend

if TYPE_CHECKING:
    from shared.jobs.model import Job

bp = func.Blueprint()
_DEFAULT_POINTS, _MOST_POINTS = 500, 5_000


@bp.route(route=f"{routes.JOB}/metrics", methods=["GET"])
@apart
@arm("workspace", "experiment", "job", beside=True)
def jobs_metrics(req: func.HttpRequest) -> func.HttpResponse:
    """200 with series of samples, none before the job has written: at most maxpoints of each."""
    return _metrics(req, backend().manager.get(job_of(req)))


@bp.route(route=f"{routes.RUN}/metrics", methods=["GET"])
@apart
@arm("workspace", "experiment", "job", beside=True)
def jobs_metrics_of_run(req: func.HttpRequest) -> func.HttpResponse:
    """The same for one run under a name."""
    return _metrics(req, run_of(req))


def _metrics(req: func.HttpRequest, job: "Job") -> func.HttpResponse:
    from api.metric_files import read_metrics

    most = number(req, "maxpoints", _DEFAULT_POINTS, 1, _MOST_POINTS)
    return answer(read_metrics(log_files(), job, most))
