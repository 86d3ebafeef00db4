"""Following a growing file of a job to the job's end, without losing, repeating or inventing a byte.

The file is read in pieces, each from where the last one ended. What may come between:
* the link expires: another one is asked for;
* the service is away: it is waited for, and nothing is written whose place is not certain;
* the job is taken up by another runner: the file is kept as `<name>.attempt-<n>` and a new one begins. A
  piece counts only when a look at the job *after* reading it shows that this had not yet happened;
* an append is under way: a file share's file grows first and is filled then, so zeros at the end may be bytes
  to come. They wait until something else is in their place or the job has ended, and those that a lost runner
  left behind are left out;
* the file is full (in a container) and continues in a next one, `<name>.attempt-<n>.part-<m>`: what follows
  is read as if it were the same file;
* the job is deleted, or another run begins under its name: the run that was followed has ended.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from cli.faults import NOT_FOUND, Fault, NotAnswering, Refused
from cli.job_status import ENDED, identity, state
from cli.links import PIECE, LinkExpired, Links, Listed, Place
from cli.retry import Retry
from shared.environment.layout import kept_as

_TRIES = 5
#: Looks at a file that does not grow, between two questions whether it continues in a next one.
_LOOKS = 30
_DELETED = "the job was deleted"


class Sink(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes, /) -> object: ...


@dataclass
class Follower:
    """Writes a file of a job to `out` while it grows. Used once.

    `say` gets lines for the person, `looked` the job at every look. `wait` False: what is there now, no more.
    """

    links: Links
    place: Place
    out: Sink
    say: Callable[[str], None]
    interval: float = 1.0
    wait: bool = True
    sleep: Callable[[float], None] = time.sleep
    looked: Callable[[dict[str, Any]], None] = lambda _: None
    found: bool = field(default=False, init=False)  #: whether there was such a file

    def run(self) -> dict[str, Any]:
        """Follow to the end of the run; the job as it was last seen. Raises Fault."""
        self._retry = Retry(self.say, self.sleep)
        self._attempt, self._over = 0, ""
        self._begin()
        self._links: dict[str, Listed] = {}
        self._said_waiting = False
        job = self._retry(lambda: self.links.api.get(self.place.job))
        self._run, self._final = identity(job), False
        self.looked(job)
        # The attempt of the *file*: the job's is ahead of it until its runner has begun a log of its own.
        self._attempt = max((number + 1 for number, _ in self._kept(self._listed())), default=0)
        while True:
            final = self._final = bool(self._over) or state(job) in ENDED
            piece = self._piece(final)
            after = job if final else self._look(job)
            if _attempt(after) == self._attempt or not self._next_attempt(after):
                if piece:
                    self.out.write(piece)
                    self._offset += len(piece)
                elif self._continues(final or not self.wait):
                    pass
                elif final or not self.wait:
                    return self._ended(after)
                else:
                    self.sleep(self.interval)
            job = after

    def _begin(self, part: int = 1, name: str = "") -> None:
        """From now on a file's first or further part is read."""
        self._part, self._name, self._offset = part, name or self.place.name, 0
        self._next, self._idle = "", 0  # the next part, once it is known; empty looks before

    def _continues(self, at_once: bool) -> bool:
        """Where the file has ended, for now: whether it is to be read again because it continues
        elsewhere."""
        if self._next:
            # It was there before the look that found nothing: this part is whole.
            self._begin(self._part + 1, self._next)
            return True
        self._idle += 1
        if at_once or self._idle % _LOOKS == 0:
            self._next = self._further(self._links if self._over else self._listed(), self._part + 1)
        return bool(self._next)

    def _further(self, names: Iterable[str], part: int, attempt: int = 0) -> str:
        """The name of a further part of the file, "" where there is none; `attempt` 0: of the earliest
        attempt from the followed one on."""
        found = self._kept(names, part)
        return next((name for number, name in found if number == attempt or not attempt), "")

    def _look(self, job: dict[str, Any]) -> dict[str, Any]:
        """The job as it is now; as it was, where this run is no longer there."""
        try:
            now = self._retry(lambda: self.links.api.get(self.place.job))
        except Refused as fault:
            if fault.status != 404:
                raise
            self._over = _DELETED
            return job
        if identity(now) != self._run:
            self._over = "another run of the job has begun"
            return job
        self.looked(now)
        return now

    def _ended(self, job: dict[str, Any]) -> dict[str, Any]:
        if self._over:
            raise Fault(f"{self._over}; this is all of the one that was followed", exit_code=NOT_FOUND)
        return job

    def _piece(self, final: bool) -> bytes:
        """What can be written of the file from the offset on; `final`: zeros at the end are meant."""
        piece = self._read(self._offset)
        if final or self._next:
            return piece
        solid = piece.rstrip(b"\0")
        if solid or len(piece) < PIECE or not self._read(self._offset + PIECE):
            return solid
        # Something follows the zeros, so that append has ended: what is read now is what it wrote.
        return self._read(self._offset)

    def _read(self, offset: int, name: str = "") -> bytes:
        """A piece of a file, b"" where it ends or is not there. Raises NotAnswering."""
        name = name or self._name
        for _ in range(_TRIES):
            if name not in self._links and not self._find(name):
                return b""
            try:
                return self._retry(lambda: self.links.read(self._links[name], offset))
            except LinkExpired:
                del self._links[name]
        raise NotAnswering("the storage service refuses the links that the service gives")

    def _find(self, name: str) -> bool:
        """Ask for links; whether there is such a file."""
        if self._over:
            return False  # the service knows the job's latest run only
        self._links = self._listed()
        if name in self._links:
            self.found = True
        elif self.wait and not self._final and not self.found and not self._said_waiting:
            self.say(f"{name} is not there yet; waiting for the job to write it")
            self._said_waiting = True
        return name in self._links

    def _listed(self) -> dict[str, Listed]:
        try:
            return self._retry(lambda: self.links.listed(self.place, self._run))
        except Refused as fault:
            if fault.code != "JobNotFound":
                raise
            self._over = _DELETED
            return {}

    def _next_attempt(self, job: dict[str, Any]) -> bool:
        """Finish the files that attempts have left behind since the last look; whether there were any."""
        files = {} if self._over else self._listed()
        kept = self._kept(files)
        for number, name in kept:
            self._finish(name, number, files)
            self._attempt = number + 1
            self._begin()
            self.say(f"attempt {number} ended early; the next one begins the file anew")
        if kept:
            # In a container the old file stays for a moment after its copy is there.
            self.sleep(self.interval)
        elif self.place.name not in files:
            self._attempt = _attempt(job)  # nothing was written so far: whatever comes is this attempt's
        else:
            self._attempt = max(self._attempt, 1)
        return bool(kept)

    def _finish(self, name: str, attempt: int, names: Iterable[str]) -> None:
        """Write the rest of what a lost attempt has left behind, in `name` and further files; zeros at its
        end are an append cut short."""
        zeros = 0
        name = self._name if self._part > 1 else name
        while name:
            while piece := self._read(self._offset, name):
                self._offset += len(piece)
                solid = piece.rstrip(b"\0")
                if solid:
                    self.out.write(bytes(zeros) + solid)
                    zeros = 0
                zeros += len(piece) - len(solid)
            name = self._further(names, self._part + 1, attempt)
            self._begin(self._part + 1, name)

    def _kept(self, names: Iterable[str], part: int = 1) -> list[tuple[int, str]]:
        """(attempt, name), sorted, of this part of the file as attempts from the followed one on have left
        it behind."""
        found = ((kept_as(self.place.name, name), name) for name in names)
        return sorted(
            (kept[0], name) for kept, name in found if kept and kept[1] == part and kept[0] >= self._attempt
        )


def _attempt(job: dict[str, Any]) -> int:
    return int(job["properties"].get("attempt") or 0)
