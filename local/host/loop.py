"""One thread that takes one step again and again, survives its failures, and stops when asked to."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger("host")

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0


class Loop:
    """Calls `step` for ever; `step` returns the seconds until the next call.

    A failing step is retried with growing pauses; the first failure of a row is logged, and the recovery.
    """

    def __init__(self, name: str, step: Callable[[], float]) -> None:
        self.name = name
        self._step = step
        self._signal = threading.Event()
        self._stopping = threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Take the next step now."""
        self._signal.set()

    def stop(self) -> None:
        """Take no further step; `join` waits for the one under way."""
        self._stopping.set()
        self._signal.set()

    def join(self, seconds: float) -> None:
        if self._thread.is_alive():
            self._thread.join(seconds)

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def _run(self) -> None:
        while not self.stopping:
            self._signal.clear()
            pause = self._guarded_step()
            if not self.stopping:
                self._signal.wait(pause)

    def _guarded_step(self) -> float:
        try:
            pause: float = self._step()
        except Exception as error:
            self._failures += 1
            if self._failures == 1 and not self.stopping:
                log.warning("%s failed and is retried: %s", self.name, one_line(error))
            return min(_FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - 1, 10), _LONGEST_PAUSE_SECONDS)
        if self._failures:
            log.info("%s works again after %d failed tries", self.name, self._failures)
            self._failures = 0
        return pause


def one_line(error: BaseException) -> str:
    """An exception as one line of a log, cut where a server's answer is long."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
