"""Who submits, terminates or deletes over HTTP, in one word for people (shared/names/submitters.py).

App Service Authentication gives it in headers that nobody else can set, as api/roles.py has it; so they are
looked at only where BATCHAI_HTTP_ROLES says that it is switched on. A key's name is not to be had: the
host of functions knows it and gives it to .NET alone. Never a token or a key.
"""

import azure.functions as func

from api import roles
from shared.names.submitters import KEY, NOBODY, UNKNOWN

#: The name that the identity provider gives people (their user principal name). A program that signed in as
#: itself has none: then its object id.
_HEADERS = ("x-ms-client-principal-name", "x-ms-client-principal-id")
_CLAIMS = ("preferred_username", "appid", "azp")
_MOST = 200  #: characters


def submitter(req: func.HttpRequest, signed_in: bool) -> str:
    """Who sent a request. `signed_in`: whether App Service Authentication lets nobody else in."""
    if signed_in:
        claims = dict(roles.claims_of(req) or ())
        candidates = [
            *(req.headers.get(name, "") for name in _HEADERS),
            *(claims.get(name, "") for name in _CLAIMS),
        ]
        return next((name for name in map(_printable, candidates) if name), UNKNOWN)
    return KEY if req.headers.get("x-functions-key") or req.params.get("code") else NOBODY


def _printable(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable()).strip()[:_MOST]
