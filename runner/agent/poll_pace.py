"""How long a runner waits between two looks at its queues. PURE.

Brisk while jobs have been coming, for about as long as they used to take to come; then slower and slower, so
that an idle runner stays within its calls: three queues, 6 calls a second on average in the five minutes
after a job, 1 later (docs/adr/0291).
"""

#: The shortest pause, and for how long after a job it is kept: twice the pause before that job, within these.
_BRISK_SECONDS, _LEAST_WINDOW, _MOST_WINDOW = 0.04, 1.5, 2.5
#: After the window a pause is this part of the time since then.
_PART = 1 / 14


class PollPace:
    """Times are monotonic seconds, given by the caller."""

    def __init__(
        self, now: float, active_pause: float, idle_pause: float, active_seconds: float = 300.0
    ) -> None:
        """A runner that has just come up is as brisk as after a job. `active_pause`: the longest pause within
        `active_seconds` after a job, `idle_pause`: later."""
        self._active_pause, self._idle_pause = active_pause, idle_pause
        self._active_seconds = active_seconds
        self._window = _LEAST_WINDOW
        self._since = now

    def came(self, now: float) -> None:
        """A job was found: how long did it take to come?"""
        self._window = min(_MOST_WINDOW, max(_LEAST_WINDOW, 2 * (now - self._since)))
        self._since = now

    def renew(self, now: float) -> None:
        """Be as brisk as after a job: one has ended, or something has changed."""
        self._since = now

    def pause(self, now: float) -> float:
        """Seconds until the next look, when this one has found nothing."""
        waited = now - self._since
        if waited >= self._active_seconds:
            return self._idle_pause
        slowed = (waited - self._window) * _PART
        return min(self._active_pause, max(_BRISK_SECONDS, slowed))
