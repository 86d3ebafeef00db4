"""Puts together what marks jobs that have events, sends these, and shows them to people."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from shared.event_settings import is_topic
from shared.managers.event_delivery import AT_A_TIME, EventDelivery
from shared.managers.event_feed import EventFeed
from shared.managers.event_gaps import EventGaps
from shared.managers.event_marks import EventMarks
from shared.managers.event_order import EventOrder
from shared.managers.event_sender import EventSender
from shared.managers.workspace_manager import WorkspaceManager
from shared.settings import Settings
from shared.stores.connection import Connection
from shared.stores.event_grid import EventGridTopic
from shared.stores.event_target import EventTarget
from shared.stores.job_table import JobTable
from shared.stores.outbox_table import Outbox
from shared.stores.webhook import Webhook
from shared.stores.workspace_lists import WorkspaceLists

#: Who asks a webhook whether it wants events, where no setting says what this installation is called.
_ORIGIN = "batchai"


@dataclass(frozen=True)
class Events:
    """What an installation does with changes of its jobs."""

    marks: EventMarks
    sender: EventSender
    feed: EventFeed


def events_over(
    connection: Connection,
    jobs: JobTable,
    lists: WorkspaceLists,
    workspaces: WorkspaceManager,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
    target: EventTarget | None = None,
    at_a_time: int = AT_A_TIME,
) -> Events:
    """`target`: who is sent events; None: whom the settings name. `at_a_time`: requests to it."""
    settings, outbox = connection.settings, Outbox(connection)
    events = settings.events
    if target is None and events.url:
        target = _target(settings)
    delivery = None
    if target:
        delivery = EventDelivery(settings.scope, events.batch, target, outbox, monotonic, at_a_time)
    gaps, order = EventGaps(jobs, outbox), EventOrder(outbox, monotonic)
    return Events(
        EventMarks(events, outbox),
        EventSender(outbox, order, gaps, delivery, now, monotonic),
        EventFeed(settings.scope, jobs, lists, workspaces, now, monotonic),
    )


def _target(settings: Settings) -> EventTarget:
    events = settings.events
    if is_topic(events.url):
        return EventGridTopic(events.url, events.topic_key)
    origin = urlsplit(settings.public_url).hostname or _ORIGIN
    return Webhook(events.url, events.keys, events.handshake, origin)
