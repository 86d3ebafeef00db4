"""Who may do what over HTTP: the app roles in the Entra token of a request (docs/reference/roles.md).

App Service Authentication checks the token and describes it in a header that nobody else can set. That is why
roles are looked at only where BATCHAI_HTTP_ROLES says that it is switched on.
"""

import base64
import json
from collections.abc import Collection, Sequence

import azure.functions as func

READER, SUBMITTER, CONTRIBUTOR = "BatchAI.Reader", "BatchAI.Submitter", "BatchAI.Contributor"
#: From the one that may least to the one that may all.
ALL = (READER, SUBMITTER, CONTRIBUTOR)
ROLES = "roles"
_HEADER = "x-ms-client-principal"


def roles_of(req: func.HttpRequest) -> frozenset[str] | None:
    """The app roles of whoever sent a request; None where nobody is signed in."""
    claims = claims_of(req)
    return None if claims is None else frozenset(value for kind, value in claims if kind == ROLES)


def claims_of(req: func.HttpRequest) -> Sequence[tuple[str, str]] | None:
    """What the token of whoever sent a request claims, as (kind, value); those of roles are of the kind
    ROLES, however the token calls them. None where nobody is signed in."""
    try:
        principal = json.loads(base64.b64decode(req.headers.get(_HEADER, ""), validate=True))
        kinds = {ROLES, str(principal.get("role_typ") or ROLES)}
        claims = [(str(claim["typ"]), str(claim["val"])) for claim in principal.get("claims") or ()]
    except (ValueError, AttributeError, KeyError, TypeError):
        return None
    return [(ROLES if kind in kinds else kind, value) for kind, value in claims]


def may(roles: Collection[str], req: func.HttpRequest, names: Sequence[str]) -> bool:
    """Whether one who has `roles` may send a request to a route that has the parts `names`."""
    return any(role in roles for role in needed(req, names))


def needed(req: func.HttpRequest, names: Sequence[str]) -> tuple[str, ...]:
    """The roles of which one is needed, the least one first: who reads sees everything, outputs included; who
    submits also makes, stops and deletes jobs and sweeps, and makes experiments; the rest is a
    contributor's."""
    if reads(req):
        return ALL
    if "job" in names or "sweep" in names or ("experiment" in names and req.method == "PUT"):
        return ALL[1:]
    return ALL[2:]


def reads(req: func.HttpRequest) -> bool:
    """Whether a request changes nothing, whatever comes of it."""
    return req.method in ("GET", "HEAD") or (
        req.method == "POST" and (last_part(req).startswith("list") or last_part(req) == "validate")
    )


def last_part(req: func.HttpRequest) -> str:
    """The last part of a request's path, in lower case."""
    return str(req.url).partition("?")[0].rstrip("/").rpartition("/")[2].lower()


def allowances(roles: Collection[str]) -> dict[str, bool]:
    """What one who has `roles` may do, for a page that shows its buttons by it."""
    words = ("read", "submit", "contribute")
    return {word: any(role in roles for role in ALL[least:]) for least, word in enumerate(words)}
