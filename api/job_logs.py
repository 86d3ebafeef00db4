"""Logs of a job over HTTP: listed, and read from an offset while they grow (ours)."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import azure.functions as func

from api import routes
from api.answers import answer, arm
from api.apart import apart
from api.jobs import job_of, run_of
from api.requests import number, query
from api.resources import forms
from api.resources.logs import log_resource
from api.static_files import SAFE_HEADERS
from api.wired import backend
from shared.errors import NotFoundError, RequestError

if TYPE_CHECKING:
    from api.log_files import LogFiles
    from shared.jobs.model import Job

bp = func.Blueprint()
_DEFAULT_BYTES, _MOST_BYTES = 1024 * 1024, 4 * 1024 * 1024
_MOST_OFFSET = 2**53  #: what a browser counts exactly


@functools.lru_cache(maxsize=1)
def log_files() -> "LogFiles":
    """The one LogFiles of the process."""
    from api.log_files import LogFiles

    return LogFiles(backend().manager, backend().clusters)


@bp.route(route=f"{routes.JOB}/logs", methods=["GET"])
@apart
@arm("workspace", "experiment", "job", beside=True)
def jobs_list_logs(req: func.HttpRequest) -> func.HttpResponse:
    """Every file beside stdout.txt: 200, empty before the job has written."""
    return _listed(backend().manager.get(job_of(req)))


@bp.route(route=f"{routes.RUN}/logs", methods=["GET"])
@apart
@arm("workspace", "experiment", "job", beside=True)
def jobs_list_logs_of_run(req: func.HttpRequest) -> func.HttpResponse:
    """The same for one run under a name."""
    return _listed(run_of(req))


@bp.route(route=f"{routes.JOB}/logs/{{*name}}", methods=["GET"])
@apart
@arm("workspace", "experiment", "job", beside=True)
def jobs_get_log(req: func.HttpRequest) -> func.HttpResponse:
    """Bytes of one file: 200, 404 LogNotFound before it is written."""
    return _read(req, lambda: backend().manager.get(job_of(req)))


@bp.route(route=f"{routes.RUN}/logs/{{*name}}", methods=["GET"])
@apart
@arm("workspace", "experiment", "job", beside=True)
def jobs_get_log_of_run(req: func.HttpRequest) -> func.HttpResponse:
    """The same for one run under a name."""
    return _read(req, lambda: run_of(req))


def _listed(job: "Job") -> func.HttpResponse:
    return answer(forms.page([log_resource(file) for file in log_files().listed(job)]))


def _read(req: func.HttpRequest, find: Callable[[], "Job"]) -> func.HttpResponse:
    name = req.route_params.get("name") or ""
    offset = _offset(query(req, "offset", "0"))
    most = number(req, "maxbytes", _DEFAULT_BYTES, 1, _MOST_BYTES)
    job = find()
    piece = log_files().read(job, name, offset, most)
    if piece is None:
        text = f"There is no log {name[:200]} of the job {job.id.job}; it may not have written to it yet."
        raise NotFoundError(text, "LogNotFound")
    headers = SAFE_HEADERS | {
        "x-batchai-attempt": str(job.attempt),
        "x-batchai-final": "true" if piece.final else "false",
        "x-batchai-next-offset": str(piece.next_offset),
        "x-batchai-offset": str(piece.offset),
        "x-batchai-run": job.uuid,
        "x-batchai-size": str(piece.size),
    }
    if query(req, "download").lower() == "true":
        headers["Content-Disposition"] = f'attachment; filename="{_plain(name.rpartition("/")[2])}"'
    return func.HttpResponse(piece.data, headers=headers, mimetype="text/plain", charset="utf-8")


def _offset(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 17 and int(digits) <= _MOST_OFFSET):
        wrong = "offset must be a whole number; a negative one counts from the end."
        raise RequestError(wrong, "InvalidQueryParameterValue")
    return int(text)


def _plain(name: str) -> str:
    """A file's name that needs no quoting in a header."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
