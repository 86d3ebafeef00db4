"""Time that only tests move."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """The time of day, of the process and of the storage service, in step. Call it for a UTC datetime."""

    def __init__(self) -> None:
        self._start = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
        self._seconds = 0.0
        self._now = self._start

    def __call__(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    def move(self, seconds: float) -> None:
        """Let time go on; a `sleep` for code that waits."""
        self._seconds += seconds
        self._now = self._start + timedelta(seconds=self._seconds)

    def copy(self) -> "FakeClock":
        """A clock that shows the same time and is moved by itself."""
        made = FakeClock()
        made.move(self._seconds)
        return made
