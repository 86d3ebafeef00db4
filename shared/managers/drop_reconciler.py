"""Drops whose event came to nothing: what the trigger gave up, and what was never announced.

An outage is not the document's fault. The trigger's tries come to an end; then the host leaves a pointer in a
poison queue, which is drained here, and what lies in a drop container without an answer is found by looking.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.errors import BatchAIError, StoreError
from shared.managers.pacing import LastWrite, Pace, is_quiet, never_known
from shared.stores.document_blobs import Documents, Dropped
from shared.stores.poison_queue import PoisonQueue

log = logging.getLogger(__name__)

#: A drop is answered within seconds; one that is older and has no answer has lost its event.
_LATE_SECONDS = 120.0
#: What was left unanswered for longer than this is history: nobody waits for it.
_OLD_SECONDS = 86_400.0
#: Answers that are looked up, and drops that are taken, in one turn; the rest follows with the next.
_MOST_TAKEN = 20

#: (name of the blob with its container, content, ETag) -> taken or refused. Raises StoreError.
Take = Callable[[str, bytes, str], None]


@dataclass
class Reconciler:
    """Takes drops again. `takes`: by name of the dropped file ("job.json") the container and what takes it.

    Continues where it left off: each turn looks at one page of each container, whatever lies there, unless
    looking has taken more than its share of the time.
    """

    documents: Documents
    poison: PoisonQueue
    takes: Mapping[str, tuple[str, Take]]
    #: Of looks at the drop containers.
    pace: Pace = field(default_factory=lambda: Pace(time.monotonic))
    last_write: LastWrite = never_known
    _next_page: dict[str, str] = field(default_factory=dict)
    #: When the round through a container began (seconds since the epoch), and the last one that found every
    #: drop in it answered.
    _begun: dict[str, float] = field(default_factory=dict)
    _answered: dict[str, float] = field(default_factory=dict)

    @property
    def is_midway(self) -> bool:
        """Whether the next turn continues where the latest one stopped, in some container."""
        return any(self._next_page.values())

    def turn(self) -> int:
        """One bounded turn; how many drops were taken. Raises nothing: the next turn tries again."""
        taken = 0
        for step in (self._drain, self._look):
            try:
                taken += step()
            except BatchAIError as error:
                log.warning("drops not looked after: %s", error, extra={"action": "reconcile"})
        return taken

    def _drain(self) -> int:
        """Drops that the trigger has given up. A pointer is removed once its drop was taken."""
        taken = 0
        for pointer in self.poison.receive():
            name = pointer.path.rpartition("/")[2]
            container, take = self.takes.get(name, ("", None))
            if take is None or container != pointer.container:
                continue  # another function's
            found = self.documents.read_dropped(f"{pointer.container}/{pointer.path}")
            if found and not self._take(take, f"{pointer.container}/{pointer.path}", *found):
                continue  # its pointer comes back
            taken += found is not None
            self.poison.done(pointer)
        return taken

    def _look(self) -> int:
        if not self.pace.is_due():
            return 0
        with self.pace.turn():
            return self._look_at_a_page()

    def _look_at_a_page(self) -> int:
        taken = 0
        for name, (container, take) in self.takes.items():
            if is_quiet(self.last_write, self._settled(container)):
                continue
            late = self._late(container, name)
            # At random, so that some that cannot be answered do not keep the others waiting for ever.
            for drop in random.sample(late, min(len(late), _MOST_TAKEN)):
                taken += self._take_unanswered(take, container, drop)
        return taken

    def _settled(self, container: str) -> float | None:
        """What was written before this is answered, or not yet late."""
        answered = self._answered.get(container)
        return None if answered is None else answered - _LATE_SECONDS

    def _late(self, container: str, name: str) -> list[Dropped]:
        """The drops without an answer on the next page."""
        place = self._next_page.get(container, "")
        if not place:
            self._begun[container] = time.time()
        page = self.documents.dropped_page(container, place)
        self._next_page[container] = page.next
        late = _unanswered(page.found, name)
        if late:
            self._begun[container] = 0.0  # this round does not end with all answered
        elif not page.next:
            self._answered[container] = self._begun[container]
        return late

    def _take_unanswered(self, take: Take, container: str, drop: Dropped) -> int:
        where = f"{container}/{drop.path}"
        # The answer may lie on the next page of the listing, or have come since.
        if self.documents.is_answered(where):
            return 0
        found = self.documents.read_dropped(where)
        if found is None:
            return 0
        return int(self._take(take, where, *found))

    def _take(self, take: Take, where: str, data: bytes, etag: str) -> bool:
        """Whether it was taken; one that was not keeps nobody from the others."""
        fields = {"action": "reconcile", "blob": where}
        log.warning("a drop without an answer is taken", extra=fields)
        try:
            take(where, data, etag)
        except BatchAIError as error:
            log.warning("not taken: %s", error, extra=fields)
            return False
        return True


def _unanswered(found: tuple[Dropped, ...], name: str) -> list[Dropped]:
    """The drops called `name` of a page that have had the time to be answered and were not."""
    answered = {drop.folder for drop in found if drop.path.rpartition("/")[2] == "status.json"}
    return [
        drop
        for drop in found
        if drop.path.rpartition("/")[2] == name
        and drop.folder not in answered
        and not {".", ".."} & set(drop.folder.split("/"))  # never answered, see intake
        and _LATE_SECONDS < drop.age_seconds < _OLD_SECONDS
    ]


def patiently(act: Callable[[], None], sleep: Callable[[float], None], seconds: float = 60.0) -> None:
    """Do `act`, again while storage fails, for about `seconds`; then its StoreError is raised, for the host's
    own tries. What is done must be fit to be done twice."""
    pause, left = 1.0, seconds
    while True:
        try:
            return act()
        except StoreError:
            if left <= 0:
                raise
        sleep(pause)
        left, pause = left - pause, min(10.0, pause * 2)
