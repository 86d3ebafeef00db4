"""Drops by a storage queue: Event Grid puts a message there for each blob that appears, and needs no webhook.

Events come more than once, in any order, and late: a message says only where to look.
"""

import functools
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import azure.functions as func

from api.wired import backend
from shared.settings import DROPS, DROPS_POISON

if TYPE_CHECKING:
    from shared.backend import Backend

log = logging.getLogger(__name__)
bp = func.Blueprint()


@bp.queue_trigger(arg_name="message", queue_name=DROPS, connection="BATCHAI_STORAGE")
def drop_announced(message: func.QueueMessage) -> None:
    """A file was dropped: take what lies there now. Raises StoreError where storage stays away, so that the
    host delivers the message again, five times in all."""
    take_message(message)


@bp.queue_trigger(arg_name="message", queue_name=DROPS_POISON, connection="BATCHAI_STORAGE")
def drop_given_up(message: func.QueueMessage) -> None:
    """A message that failed five times: the drop is tried once more, and then answered as failed."""
    from api.blob_drops import take_given_up

    for where in _places(message):
        take_given_up(backend(), where)


def take_message(message: func.QueueMessage) -> None:
    """Take each drop that a message announces; storage that is away for a minute costs none. Raises
    StoreError."""
    from api.blob_drops import take_announced
    from shared.managers.drop_reconciler import patiently

    for where in _places(message):
        patiently(functools.partial(_with_backend, take_announced, where), time.sleep)


def _with_backend(take: Callable[["Backend", str], None], where: str) -> None:
    take(backend(), where)


def _places(message: func.QueueMessage) -> tuple[str, ...]:
    from api.blob_events import dropped_blobs

    places = dropped_blobs(message.get_body())
    if not places:
        log.warning("a message of queue %s names no new blob", DROPS, extra={"action": "drop"})
    return places
