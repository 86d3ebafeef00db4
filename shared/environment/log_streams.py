"""Which stream a file beside stdout.txt holds, as its name says. PURE.

The names are made in shared/launch/plan.py and by the runner; what attempts leave behind in
shared/environment/layout.py.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from shared.environment.layout import kept_as

_KEPT = re.compile(r"(.*)\.attempt-\d+(?:\.part-\d+)?(\.[^.]*)?", re.DOTALL | re.ASCII)
_NAME = re.compile(r"(stdout|stderr|execution|resources|metrics)(?:-(.+))?\.(?:txt|log|jsonl)", re.DOTALL)
#: The runner's file of the node's processes that have no name.
_NODE = re.compile(r"node-(.+)", re.DOTALL)
_PREPARATION = re.compile(r"job_prep(?:-(.+))?", re.DOTALL)
OTHER = "other"


@dataclass(frozen=True)
class LogStream:
    """What a log file holds. None: the name does not say, or the job has one only."""

    stream: str  #: stdout, stderr, execution, preparation, resources, metrics, or OTHER
    node: str | None
    process: str | None
    base: str  #: what the file is called while its attempt runs
    attempt: int  #: that left it behind; 0: the latest one's, which may still write
    part: int = 1


def log_stream(name: str) -> LogStream:
    """Of a file's name."""
    base, attempt, part = _base(name)
    found = _NAME.fullmatch(base)
    if found is None:
        return LogStream(OTHER, None, None, base, attempt, part)
    stream, whose = found[1], found[2]
    if stream in ("execution", "resources"):
        return LogStream(stream, whose, None, base, attempt, part)
    if stream == "metrics" and (node := _NODE.fullmatch(whose or "")):
        return LogStream(stream, node[1], None, base, attempt, part)
    if prepared := _PREPARATION.fullmatch(whose or ""):
        return LogStream("preparation", prepared[1], None, base, attempt, part)
    return LogStream(stream, None, whose, base, attempt, part)


def attempts_of(names: Iterable[str]) -> dict[str, int]:
    """name -> which attempt wrote it, of all the names of a folder: a file under its plain name is of the
    attempt after the last one that has left one behind."""
    streams = {name: log_stream(name) for name in names}
    latest: dict[str, int] = {}
    for stream in streams.values():
        if stream.part == 1:
            latest[stream.base] = max(latest.get(stream.base, 0), stream.attempt)
    return {name: stream.attempt or latest[stream.base] + 1 for name, stream in streams.items()}


def _base(name: str) -> tuple[str, int, int]:
    """(plain name, attempt, part); the attempt is 0 for a name that is plain."""
    if found := _KEPT.fullmatch(name):
        base = found[1] + (found[2] or "")
        if kept := kept_as(base, name):
            return base, *kept
    return name, 0, 1
