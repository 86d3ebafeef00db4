"""Drops by a storage queue: Event Grid puts a message there for each blob that appears, and needs no webhook.

Events come more than once, in any order, and late: a message says only where to look.
"""

import logging
import time

import azure.functions as func

from api.wired import backend
from shared.settings import DROPS, DROPS_POISON

log = logging.getLogger(__name__)
bp = func.Blueprint()


@bp.queue_trigger(arg_name="message", queue_name=DROPS, connection="BATCHAI_STORAGE")
def drop_announced(message: func.QueueMessage) -> None:
    """A file was dropped: take what lies there now. Raises StoreError where storage stays away, so that the
    host delivers the message again, five times in all."""
    from api.blob_drops import take_announced
    from shared.managers.drop_reconciler import patiently

    for where in _places(message):
        patiently(lambda where=where: take_announced(backend(), where), time.sleep)  # type: ignore[misc]


@bp.queue_trigger(arg_name="message", queue_name=DROPS_POISON, connection="BATCHAI_STORAGE")
def drop_given_up(message: func.QueueMessage) -> None:
    """A message that failed five times: the drop is tried once more, and then answered as failed."""
    from api.blob_drops import take_given_up

    for where in _places(message):
        take_given_up(backend(), where)


def _places(message: func.QueueMessage) -> tuple[str, ...]:
    from api.blob_events import dropped_blobs

    places = dropped_blobs(message.get_body())
    if not places:
        log.warning("a message of queue %s names no new blob", DROPS, extra={"action": "drop"})
    return places
