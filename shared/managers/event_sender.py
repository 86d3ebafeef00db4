"""The turns of the timer that sends events: what lies in the outbox is sent, a bounded part of it each
turn. It works on nothing but the outbox, so that no receiver holds up a job."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.errors import BatchAIError
from shared.managers.event_delivery import EventDelivery
from shared.managers.event_gaps import EventGaps
from shared.managers.event_order import EventOrder
from shared.stores.outbox_rows import Waiting
from shared.stores.outbox_table import Outbox
from shared.telemetry import metrics
from shared.telemetry.names import Metric

log = logging.getLogger(__name__)

#: A turn begins no request after this.
_MOST_SECONDS = 40.0
#: Events of a workspace that are read at once, and how often in a turn.
_PAGE, _MOST_PAGES = 1000, 10
#: Between two looks at what runners of earlier versions left out, and between two lines of the log.
_GAPS_SECONDS = 60.0
_LOG_SECONDS = 60.0


@dataclass
class EventReport:
    """What a turn saw and did."""

    sent: int = 0
    waiting: int = 0  #: still there afterwards, as far as it was read
    oldest_seconds: float = 0.0  #: since the change of the oldest of them


class EventSender:
    """For one thread at a time: the timer's turns do not overlap. Several processes may send; then events
    come more than once."""

    def __init__(
        self,
        outbox: Outbox,
        order: EventOrder,
        gaps: EventGaps,
        delivery: EventDelivery | None,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """`delivery` None: there is no receiver."""
        self._outbox = outbox
        self._order = order
        self._gaps = gaps
        self._delivery = delivery
        self._now = now
        self._monotonic = monotonic
        self._turns = 0
        self._next_gaps = self._next_log = monotonic()

    def turn(self) -> EventReport:
        """Send what waits. Raises nothing: what fails is tried again in the next turn."""
        report = EventReport()
        if self._delivery is None:
            return report
        deadline = self._monotonic() + _MOST_SECONDS
        try:
            workspaces = self._outbox.workspaces()
        except BatchAIError as error:
            log.warning("events: %s", error, extra={"action": "events"})
            return report
        # Another one begins each time: none with very many events keeps the others waiting for ever.
        self._turns += 1
        first = self._turns % max(1, len(workspaces))
        for workspace in workspaces[first:] + workspaces[:first]:
            self._send(workspace, self._delivery, deadline, report)
        self._measured(report)
        return report

    def close(self) -> None:
        """Close the connections to the receiver."""
        if self._delivery:
            self._delivery.close()

    def _send(self, workspace: str, delivery: EventDelivery, deadline: float, report: EventReport) -> None:
        """One workspace's; that it fails keeps nobody from the others."""
        try:
            after: Waiting | None = None
            for _ in range(_MOST_PAGES):
                page = self._outbox.waiting(workspace, _PAGE, after=after)
                self._page(workspace, page, delivery, deadline, report)
                if len(page) < _PAGE or not delivery.is_open() or self._monotonic() > deadline:
                    break
                after = page[-1]  # however many of these are refused, they keep nobody waiting
            self._mend(workspace)
        except BatchAIError as error:
            log.warning("events of workspace %s: %s", workspace, error, extra={"action": "events"})

    def _page(
        self,
        workspace: str,
        waiting: Sequence[Waiting],
        delivery: EventDelivery,
        deadline: float,
        report: EventReport,
    ) -> None:
        sent = []
        if delivery.is_open():
            sent = delivery.send(self._order.ready(workspace, waiting), deadline)
        for event in sent:
            self._order.was_sent(event)
        report.sent += len(sent)
        gone = {(event.run, event.sequence) for event in sent}
        left = [event.at for event in waiting if (event.run, event.sequence) not in gone]
        if left:
            report.waiting += len(left)
            age = (self._now() - min(left)).total_seconds()
            report.oldest_seconds = max(report.oldest_seconds, age)

    def _mend(self, workspace: str) -> None:
        if self._monotonic() < self._next_gaps:
            return
        if mended := self._gaps.mend(workspace):
            text = "events of %d runs were missing, of a runner of an earlier version"
            log.info(text, mended, extra={"action": "events"})

    def _measured(self, report: EventReport) -> None:
        """Metrics, and a line that infra/alerts.json reads."""
        at = self._monotonic()
        if at >= self._next_gaps:
            self._next_gaps = at + _GAPS_SECONDS
        metrics.add(Metric.EVENTS_SENT, report.sent, {})
        metrics.add(Metric.EVENTS_WAITING, report.waiting, {})
        metrics.add(Metric.EVENTS_AGE, report.oldest_seconds, {})
        if report.waiting and at >= self._next_log:
            self._next_log = at + _LOG_SECONDS
            text = "events waiting %d, the oldest for %.0f s"
            log.info(text, report.waiting, report.oldest_seconds, extra={"action": "events"})
