"""Which jobs a list is asked for: the query parameters state, createdafter, createdbefore, prefix (ours)."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import azure.functions as func

from api.requests import query
from shared.errors import RequestError
from shared.jobs.model import State

if TYPE_CHECKING:
    from shared.stores.job_lists import JobFilter

_PREFIX = re.compile(r"[A-Za-z0-9_-]{0,64}")


def job_filter(req: func.HttpRequest) -> "JobFilter":
    """What the query asks for. Raises RequestError for values that mean nothing."""
    from shared.stores.job_lists import JobFilter

    return JobFilter(
        _state(query(req, "state")),
        moment(req, "createdafter"),
        moment(req, "createdbefore"),
        _name_prefix(query(req, "prefix")),
    )


def _state(text: str) -> State | None:
    if not text:
        return None
    found = State(text.lower())
    if not found.known:
        raise _wrong(f"state must be one of {', '.join(State)}.")
    return found


def moment(req: func.HttpRequest, name: str) -> datetime | None:
    """A query parameter that is a time, None where it is not there. Raises RequestError."""
    text = query(req, name)
    if not text:
        return None
    try:
        # An unescaped + of a time zone arrives as a space.
        read = datetime.fromisoformat(re.sub(r" (?=\d\d:?\d\d$)", "+", text) if "T" in text else text)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _wrong(f"{name} must be a time as 2018-11-23T10:00:00Z, or a day as 2018-11-23.") from None


def _name_prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise _wrong("prefix must be the beginning of a job's name: letters, digits, '-' or '_'.")
    return text


def _wrong(text: str) -> RequestError:
    return RequestError(text, "InvalidQueryParameterValue")
