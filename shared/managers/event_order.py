"""Which events may be sent now: of each run those that follow without a gap the latest one that was sent.

A listing is no snapshot: it may show an event and not the one before, which was written earlier. So what was
sent of a run is looked up where this process does not know it. An event that never appears holds its run up
for a while only."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import groupby

from shared.stores.outbox_rows import Waiting
from shared.stores.outbox_table import Outbox

log = logging.getLogger(__name__)

#: Runs of which this process remembers what was sent.
_MOST_KNOWN = 10_000
#: Seconds until a gap is taken for good. An event is there before the next one, so that a second look shows
#: it; a restored backup may lack it for ever.
_GAP_SECONDS = 60.0


class EventOrder:
    """For one thread at a time."""

    def __init__(self, outbox: Outbox, monotonic: Callable[[], float]) -> None:
        self._outbox = outbox
        self._monotonic = monotonic
        self._sent: OrderedDict[str, int] = OrderedDict()
        self._gaps: dict[str, float] = {}

    def ready(self, workspace: str, waiting: Sequence[Waiting]) -> list[list[Waiting]]:
        """The events of each run that may be sent now, in order. Raises StoreError."""
        runs = [list(events) for _, events in groupby(waiting, lambda event: event.run)]
        if any(self._is_unknown(events[0]) for events in runs):
            for sent in self._outbox.sent(workspace):
                self._know(sent.run, sent.sequence)
        found = [self._next(workspace, events) for events in runs]
        return [events for events in found if events]

    def was_sent(self, event: Waiting) -> None:
        """An event of a run was taken."""
        self._know(event.run, event.sequence)

    def _know(self, run: str, sequence: int) -> None:
        self._sent[run] = max(sequence, self._sent.get(run, 0))
        self._sent.move_to_end(run)
        while len(self._sent) > _MOST_KNOWN:
            self._sent.popitem(last=False)

    def _is_unknown(self, event: Waiting) -> bool:
        return event.sequence > 1 and event.run not in self._sent

    def _next(self, workspace: str, events: list[Waiting]) -> list[Waiting]:
        expected = self._sent.get(events[0].run, 0) + 1
        if events[0].sequence > expected:
            events = self._outbox.waiting(workspace, len(events) + 10, events[0].run) or events
        if events[0].sequence > expected and not self._is_for_good(events[0]):
            return []
        self._gaps.pop(events[0].run, None)
        return _without_gap(events)

    def _is_for_good(self, event: Waiting) -> bool:
        since = self._gaps.setdefault(event.run, self._monotonic())
        if self._monotonic() - since < _GAP_SECONDS:
            return False
        text = "events before number %d of run %s are missing; it continues with that one"
        log.warning(text, event.sequence, event.run, extra={"action": "events"})
        return True


def _without_gap(events: Sequence[Waiting]) -> list[Waiting]:
    first = events[0].sequence
    return [event for index, event in enumerate(events) if event.sequence == first + index]
