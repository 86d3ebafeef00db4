"""Bearer tokens of Entra, and the user delegation keys they get. PURE.

Sources: "Authorize access using Microsoft Entra ID with Azure Files REST" (the header
x-ms-file-request-intent), "Get User Delegation Key", "Create a user delegation SAS". Audience and times of a
token are checked, its signature is not: there is nobody here who has issued it.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local.files.errors import FilesError
from local.files.sharedkey import sign

_AUDIENCES = ("https://storage.azure.com", "e406a681-f3d4-42a8-90b6-c2b029497af1")
_OF_ACCOUNT = "https://{}.file.core.windows.net"
_KEY_FIELDS = ("skoid", "sktid", "skt", "ske", "sks", "skv")


def is_bearer(headers: Mapping[str, str]) -> bool:
    return headers.get("authorization", "").lower().startswith("bearer ")


def check(headers: Mapping[str, str], account: str, now: datetime, with_intent: bool) -> Mapping[str, Any]:
    """The claims of the token. Raises FilesError for one that is not for storage, or not for this time.

    `with_intent`: the request has to say that it reads past the files' own permissions.
    """
    claims = _claims(headers["authorization"].partition(" ")[2].strip())
    if str(claims.get("aud", "")).rstrip("/") not in (*_AUDIENCES, _OF_ACCOUNT.format(account)):
        raise FilesError("InvalidAuthenticationInfo", "the token is for another audience than storage")
    try:
        begins, ends = float(claims["nbf"]), float(claims["exp"])
    except (KeyError, TypeError, ValueError) as error:
        raise FilesError("InvalidAuthenticationInfo", "the token has no nbf or exp") from error
    if not begins - 300 <= now.timestamp() < ends:
        raise FilesError("InvalidAuthenticationInfo", "the token is not valid at this time")
    if with_intent and headers.get("x-ms-file-request-intent", "").lower() != "backup":
        raise FilesError("MissingRequiredHeader", "a token needs the header x-ms-file-request-intent: backup")
    return claims


def _claims(token: str) -> Mapping[str, Any]:
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError) as error:
        raise FilesError("InvalidAuthenticationInfo", "the bearer token is no JWT") from error
    if not isinstance(claims, dict):
        raise FilesError("InvalidAuthenticationInfo", "the bearer token is no JWT")
    return claims


def delegation_key(account_key: bytes, fields: Mapping[str, str]) -> str:
    """The user delegation key (base64) with these fields skoid, sktid, skt, ske, sks, skv: derived from the
    account's, so that none has to be kept."""
    return sign(account_key, "user delegation\n" + "\n".join(fields.get(name, "") for name in _KEY_FIELDS))


def check_period(query: Mapping[str, str], now: datetime) -> None:
    """Raises FilesError for a SAS whose user delegation key has ended or not begun."""
    try:
        begins, ends = (datetime.fromisoformat(query[name]) for name in ("skt", "ske"))
    except (KeyError, ValueError) as error:
        raise FilesError("AuthenticationFailed", "skt and ske must be ISO 8601 times") from error
    if not begins.replace(tzinfo=UTC) <= now <= ends.replace(tzinfo=UTC):
        raise FilesError("AuthenticationFailed", "the user delegation key is not valid at this time")
