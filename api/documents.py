"""Documents as people write them: checked while they are typed, and shown after they were accepted (ours)."""

import json
from typing import TYPE_CHECKING, Any

import azure.functions as func

from api import routes
from api.answers import answer, arm
from api.jobs import job_of, run_of
from api.requests import number, query, workspace_of
from api.wired import backend
from shared.errors import RequestError
from shared.names.ids import name_fault, name_in

if TYPE_CHECKING:
    from shared.explain.explanation import Places
    from shared.jobs.model import Job

bp = func.Blueprint()
_COLUMNS = 100  #: of explainText


@bp.route(route=f"{routes.WORKSPACE}/validate", methods=["POST"])
@arm("workspace", beside=True)
def documents_validate(req: func.HttpRequest) -> func.HttpResponse:
    """200 whatever the body is: its problems at their lines, and what would become of the job. Nothing is
    stored, and no name is looked up."""
    # Imported late here and below: the models take long to load.
    from shared.documents.parse import DocumentSettings
    from shared.explain.check import KINDS, STAND_IN_KEY, checked
    from shared.explain.text import job_text

    kind = query(req, "kind") or KINDS[0]
    if kind not in KINDS:
        raise RequestError(f"kind must be one of {', '.join(KINDS)}.", "InvalidQueryParameterValue")
    settings = backend().settings
    places, gpus = _places(req), number(req, "gpus", 1, 0, 64)
    # The installation's own rules and account, but no key of it: what is explained is shown.
    own = DocumentSettings.of(settings)
    reading = DocumentSettings(
        own.storage_account, STAND_IN_KEY, own.default_cluster, own.max_bytes, own.own_places
    )
    found = checked(req.get_body(), kind, reading, settings.storage_suffix, places, gpus)
    return answer(
        {
            "kind": found.kind,
            "valid": found.valid,
            "problems": [_located(problem.as_json()) for problem in found.problems],
            "explain": found.job,
            **({"sweep": found.sweep} if found.sweep else {}),
            "explainText": job_text(found.job, _COLUMNS) if found.job else "",
        }
    )


@bp.route(route=f"{routes.JOB}/document", methods=["GET"])
@arm("workspace", "experiment", "job", beside=True)
def jobs_get_document(req: func.HttpRequest) -> func.HttpResponse:
    """What was accepted, without secrets, and what was remarked about it then."""
    return _document(backend().manager.get(job_of(req)))


@bp.route(route=f"{routes.RUN}/document", methods=["GET"])
@arm("workspace", "experiment", "job", beside=True)
def jobs_get_document_of_run(req: func.HttpRequest) -> func.HttpResponse:
    """The same for one run under a name."""
    return _document(run_of(req))


def _document(job: "Job") -> func.HttpResponse:
    from shared.documents.accepted_text import accepted_text, placed

    text = accepted_text(json.loads(job.properties))
    problems = placed(text, json.loads(job.problems))
    return answer({"document": text, "problems": [_located(problem) for problem in problems]})


def _located(problem: dict[str, Any]) -> dict[str, Any]:
    """A problem with all its members; line 0: it stands nowhere."""
    return {"line": 0, "column": 0, "hint": ""} | problem


def _places(req: func.HttpRequest) -> "Places":
    """Whose job it would be, as far as the request says."""
    from shared.explain.explanation import IMAGINED, Places

    given = {"experiment": query(req, "experiment"), "job": query(req, "name")}
    faults = [fault for kind, name in given.items() if name and (fault := name_fault(kind, name))]
    if faults:
        raise RequestError("; ".join(faults), "InvalidQueryParameterValue")
    named = {kind: name for kind, name in given.items() if name}
    return Places(
        backend().settings.scope,
        name_in(workspace_of(req)),
        **{"experiment": IMAGINED.experiment, "job": IMAGINED.job} | named,
    )
