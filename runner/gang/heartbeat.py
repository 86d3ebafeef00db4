"""The thread that reports to a gang how this node stands and sees how the others do: one member's
heartbeat."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shared.errors import LostOwnershipError
from shared.jobs.gang import Gang, Look, Member
from shared.managers.gang_manager import Gangs

log = logging.getLogger(__name__)

#: After every change somebody waits for the next one: looks are brisk for a while.
_BRISK_SECONDS, _BRISK_PAUSE_SECONDS = 60.0, 0.5


class GangWatch:
    """Writes one member's row and reads its gang, again and again, in this order: a look that succeeds proves
    that the row was written and is still ours.

    `heed` is called from the watch's thread after each look with the gang, or None when this member is not in
    it any more, with the look, and with the monotonic time from before the row was written. `seats`: the
    members to look at beside this one, if not all of them.
    """

    def __init__(
        self,
        gangs: Gangs,
        gang: Gang,
        token: str,
        silence_seconds: float,
        heed: Callable[[Gang | None, Look, float], None],
        seats: tuple[int, ...] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        member = gang.member(token)
        if member is None:
            raise ValueError("a gang is watched by a member of it")
        self._gangs = gangs
        self._gang = gang
        self._wanted = self._me = member
        self._changes = self._reported = 0
        #: Six tries before the others call this node lost.
        self._every_seconds = silence_seconds / 6
        self._heed = heed
        self._seats = {*seats, member.index} if seats else set[int]()
        self._monotonic = monotonic
        self._changed = monotonic()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._seen = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="gang", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Say nothing more; a look under way is waited for."""
        self._ended.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def gang(self) -> Gang:
        """As it was last seen."""
        return self._gang

    @property
    def me(self) -> Member:
        """This member as it was last seen."""
        return self._me

    def report(self, **changes: Any) -> None:
        """Change this member's row, at once. Returns before it is written."""
        with self._lock:
            self._wanted = replace(self._wanted, **changes)
            self._changes += 1
        self.hurry()

    def hurry(self) -> None:
        """Look now, and often for a while: something is about to happen. From any thread."""
        self._changed = self._monotonic()
        self._wake.set()

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until `condition` is true after a look, for `seconds` at most; whether it is."""
        with self._seen:
            return self._seen.wait_for(condition, seconds)

    def is_reported(self) -> bool:
        """Whether what was last reported of this member stands in its row."""
        return self._reported == self._changes

    def _work(self) -> None:
        while not self._ended.is_set():
            try:
                self._look()
            except LostOwnershipError as error:
                log.info("look again: %s", error, extra={"action": "gang", "job": str(self._gang.job)})
            except Exception as error:  # whatever it was: who cannot look is silent to the others
                text = "gang not seen: %s: %s"
                log.warning(
                    text, type(error).__name__, error, extra={"action": "gang", "job": str(self._gang.job)}
                )
            with self._seen:
                self._seen.notify_all()
            self._wake.wait(self._pause())
            self._wake.clear()

    def _pause(self) -> float:
        brisk = self._monotonic() - self._changed < _BRISK_SECONDS
        return min(self._every_seconds, _BRISK_PAUSE_SECONDS) if brisk else self._every_seconds

    def _look(self) -> None:
        before = self._monotonic()
        message = self._report()
        look = self._look_at()
        found = look.find(self._gang.uuid, self._gang.attempt)
        mine = found.member(self._wanted.token) if found else None
        if found is None or mine is None:
            self._heed(None, look, before)
            return
        with self._lock:
            # Also after a refusal: the row is ours by its token, and only our own answer may have been lost.
            self._wanted = replace(self._wanted, etag=mine.etag)
        self._me = mine
        if found.phase is not self._gang.phase:
            self._changed = before
        self._gang = found
        if message:
            self._heed(found, look, before)

    def _look_at(self) -> Look:
        if self._seats:
            return self._gangs.look_at_seats(self._gang, self._seats)
        return self._gangs.look_at(self._gang)

    def _report(self) -> bool:
        with self._lock:
            wanted, changes = self._wanted, self._changes
        try:
            written = self._gangs.report(self._gang, wanted)
        except LostOwnershipError:
            return False  # the look shows whether the row is still ours
        with self._lock:
            self._wanted = replace(self._wanted, etag=written.etag)
        self._reported = changes
        return True
