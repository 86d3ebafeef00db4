"""How often something is done whose cost nobody knows beforehand: it may take a share of the time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: With very many files looks become rare; the machine does not become busy.
_MOST_SHARE = 0.01
#: What takes less is not worth a pause: the timers that ask come every few seconds at most.
_FREE_SECONDS = 0.1


#: When a blob was last written, in seconds since the epoch; None: not known.
LastWrite = Callable[[], float | None]
#: File systems and the emulator are not more exact.
_SLACK_SECONDS = 2.0


def never_known() -> None:
    """The LastWrite of Azure."""


def is_quiet(last_write: LastWrite, since: float | None) -> bool:
    """Whether nothing was written after `since` (None: never), as far as it is known: whoever looked then
    finds nothing new."""
    written = last_write()
    return written is not None and since is not None and written < since - _SLACK_SECONDS


class Pace:
    """When the next turn is due: after `least_seconds`, and after a hundred times what the last one
    took, if that was much."""

    def __init__(self, monotonic: Callable[[], float], least_seconds: float = 0.0) -> None:
        self._monotonic = monotonic
        self._least_seconds = least_seconds
        self._next: float | None = None

    def is_due(self) -> bool:
        return self._next is None or self._monotonic() >= self._next

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Around a turn, whether it fails or not."""
        begun = self._monotonic()
        try:
            yield
        finally:
            spent = self._monotonic() - begun
            self._next = begun + max(
                self._least_seconds, spent / _MOST_SHARE if spent > _FREE_SECONDS else 0.0
            )
