"""In which order a runner looks at its queues: high before normal before low, none starved for ever. PURE."""

import math

#: A queue that has been passed over by this many jobs from queues above it is looked at first.
_RETRY = {"normal": 3, "low": 15}
#: Seconds for which a queue that was found empty is looked at after the others. A runner looks again so soon
#: only where its job lasted no longer: a look at high for each of them would be a sixth of its calls.
_EMPTY_SECONDS = 0.5


class QueueOrder:
    """The queues of one cluster, and how long each has been passed over.

    Only jobs taken while a queue may hold something count against it: a look that finds it empty starts anew,
    so that an idle runner always begins with high.
    """

    def __init__(self, high: str, normal: str, low: str) -> None:
        self._priorities = {high: "high", normal: "normal", low: "low"}
        self._passed = dict.fromkeys(self._priorities, 0)
        self._empty = dict.fromkeys(self._priorities, -math.inf)  #: when it was last found so

    def next(self, now: float) -> tuple[str, ...]:
        """The queues in the order of the next look, at `now` (seconds, monotonic)."""
        # Stable: where all were empty it is high, normal, low again.
        order = sorted(self._priorities, key=lambda queue: now - self._empty[queue] < _EMPTY_SECONDS)
        for queue in reversed(self._priorities):
            if self._passed[queue] >= _RETRY.get(self._priorities[queue], math.inf):
                return (queue, *(other for other in order if other != queue))
        return tuple(order)

    def took(self, queue: str) -> None:
        """A job came from `queue`: those below it were passed over once more."""
        self._passed[queue] = 0
        names = list(self._priorities)
        for below in names[names.index(queue) + 1 :]:
            self._passed[below] += 1

    def found_empty(self, queue: str, now: float) -> None:
        """Nothing waits in `queue` at `now`."""
        self._passed[queue] = 0
        self._empty[queue] = now
