"""The time line of a job, for people: what happened when, how long each part took, what it used. PURE."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from shared.jobs.events import EventKind, JobEvent
from shared.jobs.model import Job
from shared.names.submitters import asked_by
from shared.times import timestamp

#: part -> the events of the latest attempt that it lies between.
_PARTS = (
    ("starting", EventKind.NODE_STARTED, EventKind.NODE_READY),
    ("assembling", EventKind.CLAIMED, EventKind.ASSEMBLED),
    ("mounting", EventKind.CLAIMED, EventKind.MOUNTED),
    ("image", EventKind.MOUNTED, EventKind.IMAGE_READY),
    ("container", EventKind.MOUNTED, EventKind.CONTAINER_STARTED),
    ("preparing", EventKind.MOUNTED, EventKind.PREPARED),
    ("running", EventKind.STARTED, EventKind.STOPPED),
    ("uploading", EventKind.STOPPED, EventKind.UPLOADED),
)


#: part -> events that it begins with where they are known, the best first; older runners report fewer.
_RATHER = {
    "mounting": (EventKind.ASSEMBLED,),
    "container": (EventKind.IMAGE_READY,),
    "preparing": (EventKind.PREPARATION_STARTED, EventKind.CONTAINER_STARTED),
}


def timeline(job: Job) -> dict[str, Any]:
    """`events`, oldest first and beginning with Queued, `seconds` by part of the latest attempt, `attempts`,
    `gpuHours` over all attempts."""
    queued = {"time": timestamp(job.created), "event": "Queued"}
    if by := asked_by(job.submitted_by):
        queued["detail"] = by
    shown: dict[str, Any] = {
        "events": [queued, *map(_event, _in_order(job.events))],
        "seconds": durations(job),
        "attempts": job.attempt,
    }
    if job.gpu_seconds:
        shown["gpuHours"] = round(job.gpu_seconds / 3600, 4)
    return shown


def durations(job: Job) -> dict[str, float]:
    """Seconds by part: queued (to the first claim), the parts of the latest attempt that are over, total."""
    times: dict[EventKind, datetime] = {}
    for event in job.events:
        if event.attempt == job.attempt:  # on several nodes a part is over when it is on the last of them
            times[event.kind] = max(event.at, times.get(event.kind, event.at))
    claimed = next((event.at for event in job.events if event.kind is EventKind.CLAIMED), None)
    found: dict[str, float] = {}
    if claimed:
        found["queued"] = _seconds(job.created, claimed)
    for part, begin, end in _PARTS:
        begin = next((kind for kind in _RATHER.get(part, ()) if kind in times), begin)
        if begin in times and end in times:
            found[part] = _seconds(times[begin], times[end])
    if job.ended:
        found["total"] = _seconds(job.created, job.ended)
    return found


def in_words(line: Mapping[str, Any]) -> str:
    """The durations of a `timeline`, the number of attempts and the GPU hours, in one line."""
    parts = [f"{part} {seconds:.1f} s" for part, seconds in (line.get("seconds") or {}).items()]
    if line.get("attempts"):
        parts.append(f"attempts {line['attempts']}")
    if line.get("gpuHours"):
        parts.append(f"GPU hours {line['gpuHours']}")
    return ", ".join(parts)


def _in_order(events: Iterable[JobEvent]) -> list[JobEvent]:
    """When its node came up is known only once that has claimed the job; it is shown before."""
    found: list[JobEvent] = []
    for event in events:
        claims = (i for i, e in enumerate(found) if (e.kind, e.attempt) == (EventKind.CLAIMED, event.attempt))
        early = event.kind in (EventKind.NODE_STARTED, EventKind.NODE_READY)
        found.insert(next(claims, len(found)) if early else len(found), event)
    return found


def _seconds(begin: datetime, end: datetime) -> float:
    # Two machines' clocks may disagree; nobody wants to read that something took less than no time.
    return max(0.0, round((end - begin).total_seconds(), 3))


def _event(event: JobEvent) -> dict[str, Any]:
    shown: dict[str, Any] = {"time": timestamp(event.at), "event": str(event.kind)}
    if event.attempt:
        shown["attempt"] = event.attempt
    if event.node:
        shown["node"] = event.node
    if event.detail:
        shown["detail"] = event.detail
    return shown
