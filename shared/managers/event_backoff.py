"""When somebody who does not take events is asked again: later and later, and never given up."""

import threading
from collections.abc import Callable

_FIRST_SECONDS, _LONGEST_SECONDS = 1.0, 60.0
#: Longer than this nobody is left alone, whatever he asks for.
_MOST_PAUSE_SECONDS = 3600.0


class Backoff:
    """The pauses of one receiver, or of one run that it refuses. Thread-safe."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._until = monotonic()

    def is_over(self) -> bool:
        """Whether it may be tried now."""
        return self._monotonic() >= self._until

    def failed(self, pause_seconds: float | None = None) -> bool:
        """Another failure; the receiver may have said for how long it wants to be left alone. False where it
        is one of several at the same time: they count once."""
        with self._lock:
            if not self.is_over():
                return False
            own = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0**self._failures)
            self._failures = min(self._failures + 1, 16)
            asked = own if pause_seconds is None else max(_FIRST_SECONDS, pause_seconds)
            self._until = self._monotonic() + min(_MOST_PAUSE_SECONDS, asked)
            return True

    def succeeded(self) -> None:
        """It takes events."""
        self._failures = 0
