"""How an attempt ended is written to its job's row, whatever storage does meanwhile."""

import logging
import time

from runner.attempt.result import Result
from shared.errors import LostOwnershipError, StoreError
from shared.jobs.model import Job, Lease
from shared.managers.attempts import Attempts

log = logging.getLogger(__name__)


def report_outcome(attempts: Attempts, job: Job, lease: Lease, result: Result, leaving: str) -> None:
    """Write how an attempt ended to the job's row, again and again while storage is away and the lease lasts:
    the result may be worth hours. Writing it twice does no harm. `leaving`: why the runner leaves.

    Raises LostOwnershipError; StoreError when the lease has run out meanwhile.
    """
    while True:
        try:
            return _report_once(attempts, job, lease, result, leaving)
        except LostOwnershipError:
            raise
        except StoreError as error:
            if time.monotonic() > lease.deadline:
                raise
            log.warning(
                "end not reported yet: %s", error, extra={"action": "end_unreported", "job": str(job.id)}
            )
            time.sleep(1.0)


def _report_once(attempts: Attempts, job: Job, lease: Lease, result: Result, leaving: str) -> None:
    if gone := result.dissolved:
        attempts.dissolve(job, lease, gone.why, gone.pause_seconds)
        log.info("dissolved: %s", gone.why, extra={"action": "dissolved", "job": str(job.id)})
    elif result.outcome is not None:
        ended = attempts.finish(job, lease, result.outcome, result.report)
        # infra/alerts.json looks for the words.
        reason = "" if result.outcome.succeeded else f": {result.outcome.reason}"
        log.info("ended as %s%s", ended.state, reason, extra={"action": "ended", "job": str(job.id)})
    elif result.stopped and result.stopped.hands_back:
        why = result.node_fault or result.given_back or leaving
        attempts.give_back(job, lease, why, result.report)
        log.info("handed back", extra={"action": "handed_back", "job": str(job.id)})
