"""The files with a job's metrics, read and thinned out for an answer of bounded size."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from api.log_files import LogFiles
from api.resources.logs import LogFile
from api.resources.metrics import samples, thinned
from shared.jobs.events import EventKind
from shared.jobs.model import Job

RESOURCES, METRICS = "resources", "metrics"
#: Of one file, in so many pieces where it is longer; how many files; how many calls at a time.
_MOST_BYTES, _PIECES, _MOST_FILES, _AT_A_TIME = 4 * 1024 * 1024, 4, 100, 8


@dataclass(frozen=True)
class _Series:
    """What one writer has written in one attempt."""

    parts: tuple[LogFile, ...]  #: a container's file continues in further ones

    @property
    def first(self) -> LogFile:
        return self.parts[0]


def read_metrics(files: LogFiles, job: Job, most: int) -> dict[str, Any]:
    """As `GET …/metrics` shows them: at most `most` samples of each series. Raises as `LogFiles.listed`."""
    found = [file for file in files.listed(job) if file.stream.stream in (RESOURCES, METRICS)]
    every = _series(found)
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        shown = list(pool.map(lambda series: _shown(files, job, series, most), every[:_MOST_FILES]))
    return {
        RESOURCES: [entry for kind, entry, _ in shown if kind == RESOURCES],
        METRICS: [entry for kind, entry, _ in shown if kind == METRICS],
        "truncated": len(every) > _MOST_FILES or any(cut for *_, cut in shown),
    }


def _series(files: Iterable[LogFile]) -> list[_Series]:
    """The latest attempt's first: they are never left out for the sake of earlier ones'."""
    by_writer: dict[tuple[int, str], list[LogFile]] = {}
    for file in files:
        by_writer.setdefault((-file.attempt, file.stream.base), []).append(file)
    return [
        _Series(tuple(sorted(parts, key=lambda file: file.stream.part)))
        for _, parts in sorted(by_writer.items(), key=lambda pair: pair[0])
    ]


def _shown(files: LogFiles, job: Job, series: _Series, most: int) -> tuple[str, dict[str, Any], bool]:
    """(which list, the entry, whether something was left out)."""
    found: list[dict[str, Any]] = []
    cut = False
    for part in series.parts:
        offsets = _offsets(part.size)
        cut |= len(offsets) > 1
        length = _MOST_BYTES // len(offsets)
        read = [piece for at in offsets if (piece := files.read(job, part.name, at, length))]
        size = max((piece.size for piece in read), default=0)
        found += samples(((piece.offset, piece.data) for piece in read), size)
    kind, file = series.first.stream.stream, series.first
    entry = {
        "node": file.stream.node or _node_in(found) or _only_node(job, file.attempt),
        **({"process": file.stream.process} if kind == METRICS else {}),
        "attempt": file.attempt,
        "file": file.name,
        "samples": thinned(found, most),
    }
    return kind, entry, cut or len(found) > most


def _offsets(size: int) -> Sequence[int]:
    """Where the pieces begin that are read of a file, the last one at its end."""
    if size <= _MOST_BYTES:
        return (0,)
    last = size - _MOST_BYTES // _PIECES
    return [last * number // (_PIECES - 1) for number in range(_PIECES)]


def _node_in(found: Sequence[dict[str, Any]]) -> str | None:
    """As the runner's own samples name it."""
    node = found[0].get("node") if found else None
    return node if isinstance(node, str) else None


def _only_node(job: Job, attempt: int) -> str | None:
    if job.node_count > 1:
        return None
    claimed = (e for e in job.events if e.attempt == attempt and e.kind is EventKind.CLAIMED)
    return next((event.node for event in claimed), None)
