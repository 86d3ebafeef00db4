"""In which order a runner looks at its queues: high before normal before low, none starved for ever. PURE."""

#: A queue that has been passed over by this many jobs from queues above it is looked at first.
_RETRY = {"normal": 3, "low": 15}


class QueueOrder:
    """The queues of one cluster, and how long each has been passed over.

    Only jobs taken while a queue may hold something count against it: a look that finds it empty starts anew,
    so that an idle runner always begins with high.
    """

    def __init__(self, high: str, normal: str, low: str) -> None:
        self._priorities = {high: "high", normal: "normal", low: "low"}
        self._passed = dict.fromkeys(self._priorities, 0)

    def next(self) -> tuple[str, ...]:
        """The queues in the order of the next look."""
        for queue in reversed(self._priorities):
            if self._passed[queue] >= _RETRY.get(self._priorities[queue], 1 << 30):
                return (queue, *(other for other in self._priorities if other != queue))
        return tuple(self._priorities)

    def took(self, queue: str) -> None:
        """A job came from `queue`: those below it were passed over once more."""
        self._passed[queue] = 0
        names = list(self._priorities)
        for below in names[names.index(queue) + 1 :]:
            self._passed[below] += 1

    def found_empty(self, queue: str) -> None:
        """Nothing waits in `queue`."""
        self._passed[queue] = 0
