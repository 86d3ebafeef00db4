"""The text of a message: plain JSON with a version."""

import json
from dataclasses import dataclass
from typing import Any

from shared.jobs.model import StreamSeal
from shared.names.ids import ClusterId, JobId

VERSION = 1
_MOST_STREAMS = 200  #: named in a message, which holds 64 KiB


@dataclass(frozen=True)
class Body:
    """What the text of a message says."""

    job: JobId | None = None
    uuid: str = ""
    attempt: int = 0
    seals: tuple[StreamSeal, ...] = ()
    excused: int = 0
    suspected: int = 0
    newer: bool = False
    hint: ClusterId | None = None
    carried: str = ""
    traceparent: str = ""


def text_of(
    job: JobId,
    uuid: str,
    attempt: int,
    seals: tuple[StreamSeal, ...] = (),
    excused: int = 0,
    suspected: int = 0,
    carried: str = "",
    traceparent: str = "",
) -> str:
    """The message of a run. `logs` and so on as in JobMessage; what is not there has no member."""
    name = {"workspace": job.workspace, "experiment": job.experiment, "job": job.job}
    body: dict[str, Any] = {"v": VERSION, **name, "uuid": uuid, "attempt": attempt}
    if seals:
        body["logs"] = [[seal.name, seal.size, seal.lines] for seal in seals[:_MOST_STREAMS]]
    if excused:
        body["excused"] = excused
    if suspected:
        body["suspected"] = suspected
    if carried:
        body["carried"] = carried
    if traceparent:
        body["traceparent"] = traceparent
    return json.dumps(body)


def body_of(content: Any) -> Body:
    """What a message says; nothing of what is none of ours. Members of a later version are passed over."""
    try:
        body = json.loads(content)
        # Whatever another version may call itself: it is not ours to take for a stray message.
        if body.get("v", VERSION) != VERSION:
            return Body(newer=True)
        if "hint" in body:
            workspace, cluster = body["hint"]
            return Body(hint=ClusterId(str(workspace), str(cluster)))
        job = JobId(str(body["workspace"]), str(body["experiment"]), str(body["job"]))
        seals = tuple(StreamSeal(str(n), int(size), "", False, int(k)) for n, size, k in body.get("logs", ()))
        excused, suspected = int(body.get("excused", 0)), int(body.get("suspected", 0))
        uuid, attempt, carried = str(body["uuid"]), int(body["attempt"]), str(body.get("carried", ""))
        traceparent = str(body.get("traceparent", ""))
        return Body(job, uuid, attempt, seals, excused, suspected, carried=carried, traceparent=traceparent)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Body()
