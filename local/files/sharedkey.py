"""SharedKey: the string a request is signed over, and the check of its signature. PURE.

Source: "Authorize with Shared Key" of the Azure Storage reference (2015-02-21 and later). Two things vary
with the client and both are accepted: the Python SDK sorts x-ms- headers ignoring their hyphens, the Go SDK
plainly; and "+" in a query value is left alone by one and read as a space by the other.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, unquote_plus

from local.files.errors import FilesError

_SIGNED_HEADERS = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)
_CLOCK_SKEW = timedelta(minutes=15)
# The service's collation puts punctuation before digits; ASCII has these three behind them.
_COLLATION = str.maketrans("^_`", "\x01\x02\x03")


def sign(key: bytes, text: str) -> str:
    """Base64 of HMAC-SHA256 over `text` in UTF-8."""
    return base64.b64encode(hmac.new(key, text.encode("utf-8"), hashlib.sha256).digest()).decode("ascii")


def strings_to_sign(
    method: str, headers: Mapping[str, str], raw_path: str, query: str, account: str
) -> tuple[str, ...]:
    """Every string an honest client may have signed for this request; header names in lower case."""
    verb = "\n".join([method, *(_standard(headers, name) for name in _SIGNED_HEADERS)])
    marks = [(name, value.strip()) for name, value in headers.items() if name.startswith("x-ms-")]
    orders = dict.fromkeys(_lines(marks, key) for key in (_ignoring_hyphens, _plain))
    queries = dict.fromkeys(_canonical_query(query, decode) for decode in (unquote, unquote_plus))
    return tuple(f"{verb}\n{order}/{account}{raw_path}{q}" for order in orders for q in queries)


def check(
    method: str,
    headers: Mapping[str, str],
    raw_path: str,
    query: str,
    *,
    account: str,
    key: bytes,
    now: datetime,
) -> None:
    """Raises FilesError(AuthenticationFailed) unless the Authorization header is right and the date fresh."""
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    name, _, signature = credential.partition(":")
    if scheme != "SharedKey":
        raise FilesError(
            "AuthenticationFailed", f"only SharedKey and SAS are checked here, not {scheme[:20]!r}"
        )
    if name != account:
        raise FilesError(
            "AuthenticationFailed", f"the request is signed for another account than {account!r}"
        )
    _check_date(headers, now)
    strings = strings_to_sign(method, headers, raw_path, query, account)
    if not any(hmac.compare_digest(sign(key, s).encode(), signature.encode()) for s in strings):
        raise FilesError(
            "AuthenticationFailed",
            "the signature does not match: is the account key right?",
            detail=f"The MAC signature found in the HTTP request is not the same as any computed signature. "
            f"Server used following string to sign: {strings[0]!r}.",
        )


def _standard(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if name == "content-length" and value == "0":
        return ""
    if name == "date" and "x-ms-date" in headers:
        return ""
    return value


def _plain(name: str) -> tuple[str, ...]:
    return (name,)


def _ignoring_hyphens(name: str) -> tuple[str, ...]:
    # Equal but for hyphens: the name whose hyphen comes later comes first.
    return (name.replace("-", "").translate(_COLLATION), name.replace("-", "\x7f"))


def _lines(marks: Iterable[tuple[str, str]], key: Callable[[str], tuple[str, ...]]) -> str:
    return "".join(f"{name}:{value}\n" for name, value in sorted(marks, key=lambda mark: key(mark[0])))


def _canonical_query(query: str, decode: Callable[[str], str]) -> str:
    values: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        values.setdefault(decode(name).lower(), []).append(decode(value))
    return "".join(f"\n{name}:{','.join(sorted(values[name]))}" for name in sorted(values))


def _check_date(headers: Mapping[str, str], now: datetime) -> None:
    text = headers.get("x-ms-date") or headers.get("date", "")
    try:
        sent = parsedate_to_datetime(text)
    except ValueError as error:
        raise FilesError("AuthenticationFailed", "x-ms-date is missing or not an RFC 1123 date") from error
    sent = sent if sent.tzinfo else sent.replace(tzinfo=UTC)  # "-0000" parses as naive
    if abs(sent - now) > _CLOCK_SKEW:
        raise FilesError(
            "AuthenticationFailed",
            f"x-ms-date {text!r} is more than 15 minutes away from now: check the clock",
        )
