"""What moves sweeps on: messages of the queue `sweeps`, and the timer."""

import functools
import logging
from typing import TYPE_CHECKING

import azure.functions as func

from api.wired import backend
from shared.errors import BatchAIError

if TYPE_CHECKING:
    from shared.backend import Backend
    from shared.managers.sweep_runs import ReadMetric

log = logging.getLogger(__name__)
bp = func.Blueprint()


@bp.queue_trigger(arg_name="message", queue_name="sweeps", connection="BATCHAI_STORAGE")
def sweep_has_work(message: func.QueueMessage) -> None:
    """A sweep was accepted, or a run of it ended: do what follows."""
    work(backend(), message.get_body())


def work(services: "Backend", body: bytes) -> None:
    """Do what a message asks for. Raises nothing: what fails here the timer does again, and a message that
    fails for good would only fill the poison queue."""
    from shared.stores.sweep_queue import from_text

    message = from_text(body)
    if message is None:
        log.warning("a message of the queue sweeps is left aside", extra={"action": "sweep"})
        return
    ended = None if message.number is None else (message.number,)
    try:
        services.sweeps.work(message.id, ended, reader(services))
    except BatchAIError as error:
        extra = {"action": "sweep", "sweep": str(message.id)}
        log.warning("sweep %s is left to the timer: %s", message.id, error, extra=extra)


def mend(services: "Backend") -> int:
    """The timer's turn; how many sweeps go on."""
    return services.sweeps.mend(reader(services))


def reader(services: "Backend") -> "ReadMetric":
    """What reads the metric of a run."""
    from api.log_files import LogFiles
    from api.sweep_metrics import read_metric

    return functools.partial(read_metric, LogFiles(services.manager, services.clusters))
