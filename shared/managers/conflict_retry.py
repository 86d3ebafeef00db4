"""Rows that others write too: a write whose answer was lost, and the pause before the next attempt."""

import random
from dataclasses import replace

from shared.jobs.model import Job

_LONGEST_PAUSE_SECONDS = 600.0


def arrived(found: Job, wanted: Job) -> bool:
    """Whether the row holds what was to be written: then only the answer was lost. Times are those of the try
    that arrived, which may have been an earlier one."""
    same_times = replace(
        found,
        etag="",
        state_since=wanted.state_since,
        started=wanted.started,
        ended=wanted.ended,
        enqueued=wanted.enqueued,
        retry_at=wanted.retry_at,
        events=wanted.events,
    )
    return same_times == replace(wanted, etag="")


def retry_pause(first_seconds: float, attempt: int) -> float:
    """Seconds between `attempt` (from 1) and the next: doubling, with jitter, so that a fault that many jobs
    share is not repeated by all of them at once."""
    pause = min(_LONGEST_PAUSE_SECONDS, first_seconds * 2.0 ** (attempt - 1))
    return pause * random.uniform(0.5, 1.5)
