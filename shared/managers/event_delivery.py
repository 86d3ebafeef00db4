"""Sending events to the receiver, of several runs at the same time, those of a run one after the other.

An event leaves the outbox after the receiver has taken it: a crash between the two sends it again, with the
same id.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain

from shared.errors import BatchAIError
from shared.jobs.cloud_events import cloud_event
from shared.managers.event_backoff import Backoff
from shared.names.ids import Scope
from shared.stores.event_target import DeliveryError, Event, EventTarget
from shared.stores.outbox_rows import Waiting
from shared.stores.outbox_table import MOST_REMOVED, Outbox
from shared.telemetry import tracing

log = logging.getLogger(__name__)

#: Requests at the same time.
AT_A_TIME = 8


class EventDelivery:
    """Remembers who is to be left alone for a while."""

    def __init__(
        self,
        scope: Scope,
        batch: int,
        target: EventTarget,
        outbox: Outbox,
        monotonic: Callable[[], float],
        at_a_time: int = AT_A_TIME,
    ) -> None:
        """`batch`: events of one request at most; `at_a_time`: requests at the same time, where each holds
        one event."""
        self._scope = scope
        self._batch = batch
        self._target = target
        self._outbox = outbox
        self._monotonic = monotonic
        self._receiver = Backoff(monotonic)
        self._refused: dict[str, Backoff] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(at_a_time, "events")

    def is_open(self) -> bool:
        """Whether the receiver may be sent anything now."""
        return self._receiver.is_over()

    def close(self) -> None:
        """Close the connections."""
        self._pool.shutdown(cancel_futures=True)
        self._target.close()

    def send(self, runs: Sequence[Sequence[Waiting]], deadline: float) -> list[Waiting]:
        """Send events of one workspace, each list those of a run in order, until `deadline` by the monotonic
        clock. Those that have left the outbox. Raises nothing: what fails stays and is sent later."""
        lanes = [list(chain.from_iterable(runs))] if self._batch > 1 else [list(run) for run in runs]
        done = self._pool.map(partial(self._lane, deadline=deadline), lanes)
        return list(chain.from_iterable(done))

    def _lane(self, events: list[Waiting], deadline: float) -> list[Waiting]:
        removed: list[Waiting] = []
        taken: list[Waiting] = []
        held: set[str] = set()  #: runs of which an event was not taken: none of its others may be now
        for start in range(0, len(events), self._batch):
            if self._monotonic() > deadline or not self._receiver.is_over():
                break
            part = [event for event in events[start : start + self._batch] if event.run not in held]
            now = self._send(part)
            taken += now
            held |= _not_among(part, now)
            if len(taken) >= MOST_REMOVED:
                removed += self._remove(taken)
                taken = []
        return removed + self._remove(taken)

    def _send(self, events: Sequence[Waiting]) -> list[Waiting]:
        """Those that were taken: of each run the first ones."""
        events = [event for event in events if self._may(event.run)]
        if not events:
            return []
        try:
            self._target.send([self._shown(event) for event in events])
        except DeliveryError as error:
            if error.refused and len(events) > 1:
                return list(self._one_by_one(events))
            self._failed(events[0], error)
            return []
        self._receiver.succeeded()
        with self._lock:
            for event in events:
                self._refused.pop(event.run, None)
        return events

    def _one_by_one(self, events: Sequence[Waiting]) -> Iterator[Waiting]:
        """It may be one of them that the receiver refuses."""
        held: set[str] = set()
        for event in events:
            if self._receiver.is_over() and event.run not in held:
                now = self._send([event])
                held |= _not_among([event], now)
                yield from now

    def _may(self, run: str) -> bool:
        refused = self._refused.get(run)
        return refused is None or refused.is_over()

    def _failed(self, event: Waiting, error: DeliveryError) -> None:
        extra = {"action": "events", "uuid": str(event.data.get("uuid", ""))}
        if not error.refused:
            if self._receiver.failed(error.pause_seconds):
                log.warning("events wait: %s", error, extra=extra)
            return
        with self._lock:
            refused = self._refused.setdefault(event.run, Backoff(self._monotonic))
        refused.failed(error.pause_seconds)
        log.warning("the events of a run wait from number %d on: %s", event.sequence, error, extra=extra)

    def _remove(self, events: Sequence[Waiting]) -> list[Waiting]:
        removed: list[Waiting] = []
        for start in range(0, len(events), MOST_REMOVED):
            part = events[start : start + MOST_REMOVED]
            try:
                self._outbox.remove(part)
            except BatchAIError as error:
                log.warning("events will be sent again: %s", error, extra={"action": "events"})
                break
            removed += part
        return removed

    def _shown(self, event: Waiting) -> Event:
        trace = tracing.traceparent(str(event.data["uuid"]))
        return cloud_event(event.data, event.sequence, event.at, self._scope, trace)


def _not_among(events: Sequence[Waiting], taken: Sequence[Waiting]) -> set[str]:
    """The runs of which an event was not taken."""
    known = {(event.run, event.sequence) for event in taken}
    return {event.run for event in events if (event.run, event.sequence) not in known}
