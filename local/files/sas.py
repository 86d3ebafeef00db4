"""Shared access signatures: account SAS (ss, srt) and service SAS for a share or a file (sr=s, sr=f). PURE.

Sources: "Create an account SAS" and "Create a service SAS" of the Azure Storage reference.
"Create a user delegation SAS": signed with a key that a bearer of a token was given (skoid ...).
"""

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address

from local.files import bearer
from local.files.errors import FilesError
from local.files.sharedkey import sign
from local.files.targets import Target

#: From this version on, an account SAS has the field for the encryption scope (empty for files).
_WITH_SCOPE = "2020-12-06"
#: What a user delegation SAS has in the place of the stored access policy.
_DELEGATED = ("skoid", "sktid", "skt", "ske", "sks", "skv", "skdutid", "sduoid")


@dataclass(frozen=True)
class Policy:
    """A stored access policy of a share; empty fields are to be found in the SAS itself."""

    permission: str = ""
    start: str = ""
    expiry: str = ""


@dataclass(frozen=True)
class Need:
    """What an operation asks of a SAS.

    `resource_type`: "s", "c" or "o" (service, share, file or directory). `permissions`: any one of these
    letters will do. `service_sas`: the kinds of service SAS (sr) that will do: "sf", "s" or "" (none).
    """

    resource_type: str
    permissions: str
    service_sas: str = ""


def is_sas(query: Mapping[str, str]) -> bool:
    return "sig" in query


def check(
    query: Mapping[str, str],
    target: Target,
    need: Need,
    *,
    account: str,
    key: bytes,
    now: datetime,
    client: str,
    policy: Callable[[str], Policy | None],
    secure: bool = False,
) -> None:
    """Raises FilesError (401/403) unless the SAS in `query` allows `need` on `target` to `client` now.

    `policy` finds the stored access policy of the target's share by its id.
    """
    is_account = "srt" in query
    text = _account_string(query, account) if is_account else _service(query, target, account)
    if "skoid" in query:
        bearer.check_period(query, now)
        key = base64.b64decode(bearer.delegation_key(key, query))
    _check_signature(query, text, key)
    given = Policy() if is_account else _stored(query, policy)
    _check_time(_either(query, "st", given.start), _either(query, "se", given.expiry), now)
    if is_account:
        _check_account(query, need)
    elif query.get("sr", "") not in need.service_sas:
        raise FilesError("AuthorizationResourceTypeMismatch")
    _check_client(query, client, secure)
    if not set(_either(query, "sp", given.permission)) & set(need.permissions):
        raise FilesError(
            "AuthorizationPermissionMismatch",
            f"this operation needs one of the permissions {'/'.join(need.permissions)} in the signature",
        )


def _account_string(query: Mapping[str, str], account: str) -> str:
    fields = [account, *(query.get(f, "") for f in ("sp", "ss", "srt", "st", "se", "sip", "spr", "sv"))]
    if query.get("sv", "") >= _WITH_SCOPE:
        fields.append(query.get("ses", ""))
    return "\n".join([*fields, ""])


def _service(query: Mapping[str, str], target: Target, account: str) -> str:
    kind = query.get("sr", "")
    if kind not in ("s", "f") or not target.share:
        raise FilesError(
            "AuthenticationFailed", "a SAS for files has srt= (account) or sr=s or sr=f (share, file)"
        )
    resource = f"/file/{account}/{target.share}" + (f"/{target.path}" if kind == "f" else "")
    before = [query.get(f, "") for f in ("sp", "st", "se")]
    who = _DELEGATED if "skoid" in query else ("si",)
    rest = ("sip", "spr", "sv", "rscc", "rscd", "rsce", "rscl", "rsct")
    return "\n".join([*before, resource, *(query.get(f, "") for f in (*who, *rest))])


def _check_signature(query: Mapping[str, str], text: str, key: bytes) -> None:
    if not hmac.compare_digest(sign(key, text).encode(), query["sig"].encode()):
        raise FilesError(
            "AuthenticationFailed",
            "the shared access signature does not match: is it for this resource, signed with this key?",
            detail=f"Signature did not match. String to sign used was {text!r}.",
        )


def _stored(query: Mapping[str, str], policy: Callable[[str], Policy | None]) -> Policy:
    if "si" not in query:
        return Policy()
    found = policy(query["si"])
    if found is None:
        raise FilesError("AuthenticationFailed", f"the share has no stored access policy {query['si']!r}")
    return found


def _either(query: Mapping[str, str], name: str, stored: str) -> str:
    return query.get(name) or stored


def _check_time(start: str, expiry: str, now: datetime) -> None:
    if not expiry:
        raise FilesError("AuthenticationFailed", "the shared access signature has no expiry time (se)")
    if start and now < _moment(start, "st"):
        raise FilesError("AuthenticationFailed", f"the shared access signature is not valid before {start}")
    if now > _moment(expiry, "se"):
        raise FilesError("AuthenticationFailed", f"the shared access signature expired at {expiry}")


def _moment(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise FilesError("AuthenticationFailed", f"{name}={text!r} is not an ISO 8601 time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _check_account(query: Mapping[str, str], need: Need) -> None:
    if "f" not in query.get("ss", ""):
        raise FilesError("AuthorizationServiceMismatch")
    if need.resource_type not in query.get("srt", ""):
        raise FilesError(
            "AuthorizationResourceTypeMismatch",
            f"this operation needs resource type {need.resource_type} (srt)",
        )


def _check_client(query: Mapping[str, str], client: str, secure: bool) -> None:
    if query.get("spr") == "https" and not secure:
        raise FilesError("AuthorizationProtocolMismatch")
    if "sip" in query:
        low, _, high = query["sip"].partition("-")
        try:
            inside = ip_address(low) <= ip_address(client) <= ip_address(high or low)  # type: ignore[operator]
        except (ValueError, TypeError):
            inside = False
        if not inside:
            raise FilesError("AuthorizationSourceIPMismatch")
