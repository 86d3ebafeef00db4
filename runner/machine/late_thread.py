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
        _call(seconds, self._due)

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
                _call(_AGAIN_SECONDS, self._due)


_orders: list[tuple[float, int, Callable[[], None]]] = []
_numbers = itertools.count()
_changed = threading.Condition()  #: around all of these
_wakes = [0.0]  #: monotonic: when the thread that waits looks again; 0: it waits for an order
_waiting: list[threading.Thread] = []  #: it, once there was an order


def _call(seconds: float, due: Callable[[], None]) -> None:
    """Have `due` called in so many seconds. An order that is due later than another wakes nobody."""
    at = time.monotonic() + seconds
    with _changed:
        heapq.heappush(_orders, (at, next(_numbers), due))
        if not _waiting or not _waiting[0].is_alive():
            _waiting[:] = [threading.Thread(target=_serve, name="late-threads", daemon=True)]
            _waiting[0].start()
        elif not _wakes[0] or at < _wakes[0]:
            _changed.notify()


def _serve() -> None:
    while True:
        for due in _next():
            due()


def _next() -> list[Callable[[], None]]:
    """What is due now, after waiting for it."""
    with _changed:
        now = time.monotonic()
        _wakes[0] = _orders[0][0] if _orders else 0.0
        if not _orders or _wakes[0] > now:
            _changed.wait(_wakes[0] - now if _orders else None)
            now = time.monotonic()
        found = []
        while _orders and _orders[0][0] <= now:
            found.append(heapq.heappop(_orders)[2])
        return found
