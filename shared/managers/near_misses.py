"""Drops that no trigger sees because of their name or place: answered beside them, or reported in the log.

Triggers fire for `job.json` and `cluster.json` in folders only. Wider ones would run, and load the file, for
whatever else people keep in the containers, status.json included; so the timer looks at the names instead
(docs/adr/0132).
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.errors import ConflictError, Problem, StoreError
from shared.jobs import status_json
from shared.managers.pacing import LastWrite, Pace, is_quiet, never_known
from shared.names.sweep_ids import SWEEP_FILE
from shared.settings import Settings
from shared.stores.document_blobs import Documents

log = logging.getLogger(__name__)

_STATUS = "status.json"
#: Files named in one line of the log.
_MOST_NAMED = 5


@dataclass(frozen=True)
class Kind:
    """What is read from a container: files called `leaf` (or as in `beside`), in the places of `forms`."""

    leaf: str
    forms: tuple[str, ...]
    beside: tuple[str, ...] = ()  #: other files that are read from the same places

    @property
    def deepest(self) -> int:
        """Folders above a file, at most."""
        return max(form.count("/") for form in self.forms)

    @property
    def expected(self) -> str:
        return " or ".join(self.forms)


JOBS = Kind("job.json", ("<job>/job.json", "<workspace>/<experiment>/<job>/job.json"), (SWEEP_FILE,))
CLUSTERS = Kind("cluster.json", ("<cluster>/cluster.json", "<workspace>/<cluster>/cluster.json"))


@dataclass(frozen=True)
class Unread:
    """Files that are not read: `near`, path and what is wrong with it; `foreign`, which may be anything."""

    near: tuple[tuple[str, Problem], ...]
    foreign: tuple[str, ...]


def unread(paths: Iterable[str], kind: Kind, other: Kind, other_container: str) -> Unread:
    """What of a container's files was probably meant to be read and is not.

    A folder that has its document, or a status.json, whoever wrote that, has its answer.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        folder, _, name = path.rpartition("/")
        folders[folder].append(name)
    near: list[tuple[str, Problem]] = []
    foreign: list[str] = []
    for folder, names in sorted(folders.items()):
        read = folder and {kind.leaf, *kind.beside} & set(names)
        if _STATUS in names or read or {".", ".."} & set(folder.split("/")):
            continue
        below = f"{folder}/" if folder else ""
        problems = [
            (below + name, p) for name in names if (p := _problem(name, kind, other, other_container))
        ]
        near += problems[:1]
        if not problems and len(folder.split("/")) <= kind.deepest:
            foreign += [below + name for name in names if name.lower().endswith(".json")]
    return Unread(tuple(near), tuple(foreign))


def _problem(name: str, kind: Kind, other: Kind, other_container: str) -> Problem | None:
    """What is wrong with a file that is called nearly as it should be; None for any other."""
    if name in (kind.leaf, *kind.beside):
        place = kind.expected.replace(kind.leaf, name)
        message, hint = f"{name} is not read at the root of the container", f"Move it to {place}"
    elif name.strip().lower() in _likely(kind.leaf):
        message, hint = f"'{name}' is not read", f"Call it {kind.leaf}, as in {kind.expected}"
    elif name == other.leaf:
        message = f"{name} is not read in this container"
        hint = f"Move it to the container {other_container}, to {other.expected}"
    else:
        return None
    return Problem(0, 0, "$", f"{message}.", f"{hint}, and drop it again.")


def _likely(leaf: str) -> tuple[str, ...]:
    """How else people call it: another case, Windows' hidden extension, the plural."""
    stem = leaf.removesuffix(".json")
    return (leaf, f"{leaf}.txt", f"{leaf}.json", f"{leaf}c", f"{stem}s.json")


class NearMisses:
    """Looks at the names in the drop containers. Writes a status.json only where none is."""

    def __init__(
        self,
        settings: Settings,
        documents: Documents,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        last_write: LastWrite = never_known,
    ) -> None:
        self._settings = settings
        self._documents = documents
        self._now = now
        self._last_write = last_write
        self._looked_at: float | None = None  #: seconds since the epoch
        self._pace = Pace(monotonic, settings.look_seconds)
        self._reported: set[str] = set()

    def look(self) -> int:
        """Answer what was not answered, unless it was looked a moment ago (a listing of both containers costs
        a call for every 5,000 files) or nothing was written since. How many were. Raises StoreError."""
        if not self._pace.is_due() or is_quiet(self._last_write, self._looked_at):
            return 0
        begun, self._looked_at = time.time(), None
        with self._pace.turn():
            answered = sum(self._answer(place, problem) for place, problem in self._found())
        self._looked_at = begun
        return answered

    def _found(self) -> Iterator[tuple[str, Problem]]:
        jobs, clusters = self._settings.jobs_container, self._settings.clusters_container
        for container, kind, other, others in (
            (jobs, JOBS, CLUSTERS, clusters),
            (clusters, CLUSTERS, JOBS, jobs),
        ):
            found = unread(self._documents.list_dropped(container), kind, other, others)
            self._report(container, kind, found.foreign)
            yield from ((f"{container}/{path}", problem) for path, problem in found.near)

    def _answer(self, place: str, problem: Problem) -> int:
        try:
            self._documents.put_first_status(place, status_json.refused((problem,), self._now()))
        except ConflictError:
            return 0  # something lies there by now
        except StoreError as error:
            log.warning(
                "near miss %s not answered: %s", place, error, extra={"action": "near_miss", "blob": place}
            )
            return 0
        log.info("near miss answered beside %s", place, extra={"action": "near_miss", "blob": place})
        return 1

    def _report(self, container: str, kind: Kind, paths: tuple[str, ...]) -> None:
        """Once for each file and process."""
        new = [path for path in paths if f"{container}/{path}" not in self._reported]
        if not new:
            return
        self._reported |= {f"{container}/{path}" for path in new}
        more = f" and {len(new) - _MOST_NAMED} more" if len(new) > _MOST_NAMED else ""
        log.info(
            "container %s: not read, because they are not %s: %s%s",
            container,
            kind.expected,
            ", ".join(new[:_MOST_NAMED]),
            more,
            extra={"action": "not_read"},
        )
