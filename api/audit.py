"""The audit log: who asked for what to be changed, and what came of it. One line for each act.

A line is "audit " and a JSON object of the members of `Act` that are not empty, so that whoever reads the log
needs no pattern (docs/how-to/operate.md). Names only: no key, no token, nothing of a document. An act that is
delivered or sent twice has two lines. What the installation does by itself is in its own log.
"""

import json
import logging
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

import azure.functions as func

from api import roles
from shared.names.submitters import STORAGE

log = logging.getLogger("batchai.audit")

ACCEPTED, REFUSED, FAILED = "accepted", "refused", "failed"
#: What PUT means for a resource; for every other it is "create".
_PUT = {"job": "submit", "sweep": "submit"}
_METHODS = {"PATCH": "update", "DELETE": "delete"}
#: Characters of an address: one that names something is shorter.
_MOST_ADDRESS = 1_000
_run: ContextVar[str] = ContextVar("audited_run", default="")


@dataclass(frozen=True)
class Act:
    """What a line says. `outcome`: a member of ACCEPTED, REFUSED (the request's fault) and FAILED (ours)."""

    act: str  #: submit, create, update, terminate, rerun, drain, undrain, delete
    kind: str  #: job, sweep, cluster, node, workspace, experiment, file_server
    by: str  #: as submittedBy shows it
    outcome: str
    resource: str = ""  #: its id, as it was asked for
    blob: str = ""  #: the dropped file
    status: int = 0  #: of the HTTP answer
    code: str = ""  #: the error code of a refusal
    uuid: str = ""  #: of the job's run
    trace: str = ""  #: the run's trace: its uuid without hyphens
    request: str = ""  #: the x-ms-request-id of the answer


def write(act: Act) -> None:
    """Write a line."""
    said = {name: value for name, value in asdict(act).items() if value}
    about = {name: said.get(name, "") for name in ("act", "by", "outcome", "resource", "uuid")}
    level = logging.INFO if act.outcome == ACCEPTED else logging.WARNING
    # As an argument: a name may hold a percent sign.
    log.log(level, "audit %s", json.dumps(said), extra={"action": "audit", **about})


def about_run(uuid: str) -> None:
    """The request that this thread answers is about this run of a job."""
    _run.set(uuid)


def forget_run() -> None:
    """A request begins: threads are used again."""
    _run.set("")


def is_act(req: func.HttpRequest, names: tuple[str, ...]) -> bool:
    """Whether a request to a route with the parts `names` asks for a change."""
    return bool(names) and not roles.reads(req)


def answered(
    req: func.HttpRequest, names: tuple[str, ...], response: func.HttpResponse, request_id: str, by: str
) -> None:
    """An act was answered, which `by` asked for."""
    kind, uuid, status = names[-1], _run.get(), response.status_code
    verb = roles.last_part(req) if req.method == "POST" else ""
    act = verb or _METHODS.get(req.method) or _PUT.get(kind, "create")
    path = urlsplit(req.url).path.rstrip("/")
    write(
        Act(
            act=act,
            kind=kind,
            by=by,
            outcome=ACCEPTED if status < 400 else REFUSED if status < 500 else FAILED,
            resource=(path.rpartition("/")[0] if verb else path)[:_MOST_ADDRESS],
            status=status,
            code=_code(response) if status >= 400 else "",
            uuid=uuid,
            trace=_trace(uuid),
            request=request_id,
        )
    )


def _code(response: func.HttpResponse) -> str:
    try:
        return str(json.loads(response.get_body())["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def _trace(uuid: str) -> str:
    return uuid.replace("-", "")


def dropped(kind: str, blob: str, outcome: str, resource: str = "", code: str = "", uuid: str = "") -> None:
    """A file `<container>/<path>` was dropped that asks for a `kind`, and answered."""
    act = _PUT.get(kind, "create")
    write(Act(act, kind, STORAGE, outcome, resource, blob, code=code, uuid=uuid, trace=_trace(uuid)))
