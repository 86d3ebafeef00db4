"""The log files of a job: found, listed, and read from an offset while they grow.

For `GET …/logs` and whatever else reads what a job writes beside stdout. Reading costs one storage call
beside that for the job's row; where a run's folders lie never changes, so it is worked out once a run.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from api.output_files import folder_of, place_of
from api.resources.logs import LogFile
from shared.environment.layout import STDOUTERR_FOLDER
from shared.environment.log_streams import LogStream, attempts_of, log_stream
from shared.errors import RequestError
from shared.jobs.model import Job
from shared.jobs.output_places import OutputPlace
from shared.managers.cluster_reader import ClusterReader
from shared.managers.job_manager import JobManager
from shared.names.paths import relative_fault
from shared.stores.connection import CallCounter

#: Files of one folder that are listed: hundreds of nodes, with some attempts each.
_MOST_FILES = 5_000
_PAGE = 1_000
_MOST_PLACES = 512


@dataclass(frozen=True)
class LogPiece:
    """Bytes of a file, raw, from `offset` on; `size` is the whole file's at that moment."""

    data: bytes
    offset: int
    size: int
    final: bool  #: nothing will follow after these bytes

    @property
    def next_offset(self) -> int:
        return self.offset + len(self.data)


@dataclass
class LogFiles:
    """Thread-safe."""

    manager: JobManager
    clusters: ClusterReader
    counter: CallCounter | None = None  #: of the calls that read
    _places: OrderedDict[tuple[str, str], OutputPlace] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def listed(self, job: Job) -> list[LogFile]:
        """What lies in the job's stdouterr folder, sorted by name; nothing before it has written. Raises
        RequestError where that is on no share and in no container, StoreError."""
        from shared.stores.volumes import listing

        place = self._place(job, STDOUTERR_FOLDER)
        folder, sizes, marker = folder_of(place), dict[str, int](), ""
        while len(sizes) < _MOST_FILES:
            # The runner appends over REST, so sizes in a listing are right.
            if place.kind == "share":
                found = listing.list_share(folder, 0, _PAGE, marker, growing=False)
            else:
                found = listing.list_container(folder, 0, _PAGE, marker)
            sizes |= {file.name: file.size for file in found.files if not file.is_directory}
            if not (marker := found.marker):
                break
        attempts = attempts_of(sizes)
        return [_file(job, name, size, attempts[name]) for name, size in sorted(sizes.items())]

    def read(self, job: Job, name: str, offset: int, most: int) -> LogPiece | None:
        """At most `most` bytes of a file from `offset` on (negative: of its last ones); None where there is
        none. `name`: an output directory's id, a slash, a path in it. `job`: as it was read just before.

        Raises RequestError for a name that is none, StoreError.
        """
        from shared.stores.volumes.pieces import PieceReader

        identifier, _, path = name.partition("/")
        if not path or relative_fault(path) or path.endswith("/"):
            text = f"{name[:200]!r} is not the name of a log; a name is one that the list of logs holds."
            raise RequestError(text, "InvalidLogName")
        place = self._place(job, identifier)
        piece = PieceReader(place.kind, folder_of(place), self.counter).read(path, offset, most)
        if piece is None:
            return None
        over = _is_over(job, log_stream(path.rpartition("/")[2]))
        if place.kind == "share" and not over:
            piece = piece.solid()  # a container's file grows whole appends at a time
        return LogPiece(piece.data, piece.offset, piece.size, over and piece.end >= piece.size)

    def _place(self, job: Job, identifier: str) -> OutputPlace:
        key = (job.uuid, identifier)
        with self._lock:
            if key in self._places:
                self._places.move_to_end(key)
                return self._places[key]
        place = place_of(self.manager, self.clusters, job, identifier, ".")
        with self._lock:
            self._places[key] = place
            while len(self._places) > _MOST_PLACES:
                self._places.popitem(last=False)
        return place


def _file(job: Job, name: str, size: int, attempt: int) -> LogFile:
    stream = log_stream(name)
    return LogFile(f"{STDOUTERR_FOLDER}/{name}", stream, attempt, size, _is_over(job, stream))


def _is_over(job: Job, stream: LogStream) -> bool:
    """Whether a file is written to no more: the job has ended, or an earlier attempt has left it behind."""
    return not job.state.live or 0 < stream.attempt < max(job.attempt, 1)
