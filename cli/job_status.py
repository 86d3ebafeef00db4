"""How a job stands, in words and as an exit code. In: a job as the REST API shows it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cli.columns import Row
from cli.faults import ERROR, JOB_TERMINATED, JOB_WITHOUT_EXIT_CODE
from shared.jobs.events import EventKind
from shared.jobs.timeline import in_words

ENDED = ("succeeded", "failed")
_TERMINATED = ("JobTerminated", "JobTerminate")


def state(job: dict[str, Any]) -> str:
    """executionState, lower case (the earliest service capitalised it)."""
    return str(job["properties"].get("executionState", "")).lower()


def identity(job: dict[str, Any]) -> str:
    """What distinguishes one run from another under the same name: the folder of its output."""
    return str(job["properties"].get("jobOutputDirectoryPathSegment", ""))


def errors(job: dict[str, Any]) -> list[dict[str, Any]]:
    """executionInfo.errors."""
    info = job["properties"].get("executionInfo") or {}
    return [error for error in info.get("errors") or () if isinstance(error, dict)]


def exit_code(job: dict[str, Any]) -> int:
    """The exit code of a command that waited for this job: 0 only where the job succeeded.

    The job's own where it has one (what a process cannot exit with becomes 1), 143 for a terminated job, 125
    for one that failed without a code of its own.
    """
    if state(job) == "succeeded":
        return 0
    code = (job["properties"].get("executionInfo") or {}).get("exitCode")
    if any(error.get("code") in _TERMINATED for error in errors(job)):
        return JOB_TERMINATED
    if code is None or int(code) == 0:
        return JOB_WITHOUT_EXIT_CODE
    return int(code) & 0xFF or ERROR


def outcome(job: dict[str, Any]) -> Iterator[str]:
    """How a job ended, in lines."""
    info = job["properties"].get("executionInfo") or {}
    code = info.get("exitCode")
    took = _took(info)
    with_code = "" if code is None else f" with exit code {code}"
    yield f"job {job['name']} {state(job)}{with_code}{took}"
    for error in errors(job):
        yield f"  {error.get('code')}: {error.get('message')}"
        for detail in error.get("details") or ():
            yield f"    {detail.get('name')}: {detail.get('value')}"
    for event in _events(job):
        if event.get("event") == EventKind.VOLUME_FAULT and event.get("attempt") == _attempts(job):
            yield f"  {event['event']}: node {event.get('node')}: {event.get('detail')}"


def why(job: dict[str, Any]) -> Iterator[str]:
    """How a job stands, in lines: what it waits for and what happens next, since when it runs, how it
    ended."""
    properties = job["properties"]
    if state(job) in ENDED:
        yield from outcome(job)
        return
    since = str(properties.get("executionStateTransitionTime", ""))[:19].replace("T", " ")
    attempt = f", attempt {properties['attempt']}" if properties.get("attempt", 0) > 1 else ""
    yield f"job {job['name']} is {state(job)} since {since} UTC{attempt}"
    for error in errors(job):
        yield f"  {error.get('code')}: {error.get('message')}"
    waiting = properties.get("waiting")
    if waiting:
        yield f"  {waiting.get('reason')}: {waiting.get('message')}"
        yield f"  -> {waiting.get('next')}"


def row(item: dict[str, Any]) -> Row:
    """`job why` as a table; in: a flat resource."""
    waiting = item.get("waiting") or {}
    found = (item.get("executionInfo") or {}).get("errors") or [{}]
    reason = waiting.get("reason") or found[-1].get("code") or ""
    message = waiting.get("message") or found[-1].get("message") or ""
    state = str(item.get("executionState", ""))
    return {"Name": str(item.get("name", "")), "State": state, "Reason": reason, "Message": message}


def time_line(job: dict[str, Any]) -> Iterator[str]:
    """What happened to a job and when, then how long each part took, in lines; nothing where it is not
    known."""
    for event in _events(job):
        about = [f"attempt {event['attempt']}"] if event.get("attempt") else []
        about += [str(event[key]) for key in ("node", "detail") if event.get(key)]
        yield f"{event.get('time', ''):<26}{event.get('event', ''):<14}{', '.join(about)}".rstrip()
    if durations := in_words(_line(job)):
        yield durations


def _line(job: dict[str, Any]) -> dict[str, Any]:
    return job["properties"].get("timeline") or {}


def _events(job: dict[str, Any]) -> list[dict[str, Any]]:
    return [event for event in _line(job).get("events") or () if isinstance(event, dict)]


def _attempts(job: dict[str, Any]) -> int:
    return int(_line(job).get("attempts") or 0)


def _took(info: dict[str, Any]) -> str:
    try:
        begun, ended = (datetime.fromisoformat(info[key]) for key in ("startTime", "endTime"))
    except (KeyError, ValueError, TypeError):
        return ""
    return f" after {(ended - begun).total_seconds():.1f} s"
