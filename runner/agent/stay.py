"""How long a runner stays: until it is stopped, for one job, or until it has long had none."""

import time
from collections.abc import Callable

from runner.attempt.result import Result


class Stay:
    """Informed by the agent's loop of what happens; says when it is over. For one thread."""

    def __init__(
        self,
        once: bool = False,
        idle_exit_seconds: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`once`: it is over after the first job that has come to an outcome here, also as a helper of
        another node's. `idle_exit_seconds`: and after so long without a job; None: never for that."""
        self._once = once
        self._idle_exit_seconds = idle_exit_seconds
        self._monotonic = monotonic
        self._idle_since = monotonic()
        self._was_ready = self._worked = False

    def is_ready(self) -> None:
        """The node has become ready for jobs."""
        self._was_ready = True

    def has_worked(self, result: Result) -> None:
        """A job has ended on this node, or was handed back from here."""
        self._idle_since = self._monotonic()
        self._worked |= result.outcome is not None

    @property
    def is_over(self) -> bool:
        """Whether the runner is to leave now, between two jobs."""
        if self._once and self._worked:
            return True
        idle = self._monotonic() - self._idle_since
        return self._idle_exit_seconds is not None and idle >= self._idle_exit_seconds

    @property
    def never_ready(self) -> bool:
        """Whether the node could not have taken a job: its cluster or volumes were missing all the time."""
        return not self._was_ready
