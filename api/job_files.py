"""The output files of a job."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import azure.functions as func

from api import routes
from api.answers import answer, arm
from api.apart import apart
from api.jobs import job_of, run_of
from api.requests import next_link, number, page_size, query, skip_token
from api.resources import forms
from api.wired import backend
from shared.errors import RequestError

if TYPE_CHECKING:
    from shared.jobs.model import Job

bp = func.Blueprint()


# Newer clients ask for a further page with GET.
@bp.route(route=f"{routes.JOB}/listOutputFiles", methods=["GET", "POST"])
@apart
@arm("workspace", "experiment", "job")
def jobs_list_output_files(req: func.HttpRequest) -> func.HttpResponse:
    """Jobs_ListOutputFiles: one level of a directory, with links that are good for linkexpiryinminutes."""
    return _listed(req, lambda: backend().manager.get(job_of(req)))


@bp.route(route=f"{routes.RUN}/listOutputFiles", methods=["GET", "POST"])
@apart
@arm("workspace", "experiment", "job")
def jobs_list_output_files_of_run(req: func.HttpRequest) -> func.HttpResponse:
    """The same for one run under a name (ours)."""
    return _listed(req, lambda: run_of(req))


def _listed(req: func.HttpRequest, find: Callable[[], "Job"]) -> func.HttpResponse:
    from api.output_files import list_output_files

    identifier = query(req, "outputdirectoryid")
    if not identifier:
        text = "The parameter outputdirectoryid is required: stdouterr, or the id of an output directory."
        raise RequestError(text, "MissingQueryParameter")
    minutes = number(req, "linkexpiryinminutes", 60, 5, 600)
    most, marker = page_size(req), skip_token(req)
    services = backend()
    job = find()
    directory = query(req, "directory", ".")
    files, rest_marker = list_output_files(
        services.manager, services.clusters, job, identifier, directory, minutes, most, marker
    )
    return answer(forms.page(files, next_link(req, rest_marker) if rest_marker else None))
