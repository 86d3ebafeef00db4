"""Threads that begin a while after they were asked for, unless they are not needed any more by then.

Of the threads that look after a job most have nothing to do for a job of a moment, and each would cost such a
job a start and an end. One thread of this process waits for all of them; it does nothing but begin them.
"""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

#: Until a thread is begun again that the machine had no space for.
_AGAIN_SECONDS = 0.5


class LateThread:
    """A daemon thread that begins once, at the latest `seconds` after `start`. Thread-safe."""

    def __init__(self, target: Callable[[], object], name: str) -> None:
        self._thread = threading.Thread(target=target, name=name, daemon=True)
        self._lock = threading.Lock()
        self._begun = self._wanted = False

    def start(self, seconds: float) -> None:
        """Begin in so many seconds, unless `cancel` or `begin` is called before."""
        self._wanted = True
        _CLOCK.call(seconds, self._due)

    def begin(self) -> None:
        """Begin now; one that has begun continues. Raises RuntimeError where the machine has no space."""
        with self._lock:
            if not self._begun:
                self._thread.start()
                self._begun = True

    def cancel(self) -> bool:
        """Do not begin later; whether it has not begun."""
        with self._lock:
            self._wanted = False
            return not self._begun

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, where it has begun."""
        if self._begun:
            self._thread.join(timeout)

    def is_alive(self) -> bool:
        """Whether it has begun, and not ended."""
        return self._thread.is_alive()

    def _due(self) -> None:
        with self._lock:
            if not self._wanted or self._begun:
                return
            try:
                self._thread.start()
                self._begun = True
            except RuntimeError as error:
                log.warning("%s waits: %s", self._thread.name, error, extra={"action": "late_thread"})
                _CLOCK.call(_AGAIN_SECONDS, self._due)


class _Clock:
    """Calls what is due, from a thread of its own that is begun with the first order."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._orders: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._wakes = 0.0  #: monotonic: when the thread looks again; 0: it waits for an order
        self._thread: threading.Thread | None = None

    def call(self, seconds: float, due: Callable[[], None]) -> None:
        at = time.monotonic() + seconds
        with self._condition:
            heapq.heappush(self._orders, (at, next(self._number), due))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._serve, name="late-threads", daemon=True)
                self._thread.start()
            elif not self._wakes or at < self._wakes:
                self._condition.notify()

    def _serve(self) -> None:
        while True:
            for due in self._next():
                due()

    def _next(self) -> list[Callable[[], None]]:
        """What is due now, after waiting for it."""
        with self._condition:
            now = time.monotonic()
            self._wakes = self._orders[0][0] if self._orders else 0.0
            if not self._orders or self._wakes > now:
                self._condition.wait(self._wakes - now if self._orders else None)
                now = time.monotonic()
            found = []
            while self._orders and self._orders[0][0] <= now:
                found.append(heapq.heappop(self._orders)[2])
            return found


_CLOCK = _Clock()
