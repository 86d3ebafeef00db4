"""Rows that others write too: the loop that reads, changes and writes them, a write whose answer was lost,
and the pause before a job's next attempt."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from shared.errors import LostOwnershipError, StoreError
from shared.jobs.model import Job

Written = TypeVar("Written")

#: Tries to write a row that others write at the same time.
TRIES = 5
_LONGEST_PAUSE_SECONDS = 600.0


class Overtaken(Exception):
    """Somebody else wrote the row since it was read: read it again and decide anew. Never leaves a loop."""


class ContendedError(StoreError):
    """Others were faster each time."""


@contextmanager
def overtaken_by(errors: type[Exception] = LostOwnershipError) -> Iterator[None]:
    """A write in a turn of `until_written`: that it met one of `errors` means
    that the row has to be read again."""
    try:
        yield
    except errors as error:
        raise Overtaken from error


def until_written(
    turn: Callable[[], Written], what: str, tries: int = TRIES, pause: Callable[[], None] = lambda: None
) -> Written:
    """What `turn` (read, decide, write) gives, made anew each time that it was overtaken, after a `pause`.

    `what` is named to people. Raises ContendedError once others were faster `tries` times.
    """
    for _ in range(tries):
        try:
            return turn()
        except Overtaken:
            pause()
    raise ContendedError(f"{what} is being written by others at the same time; try again")


def arrived(found: Job, wanted: Job) -> bool:
    """Whether the row holds what was to be written: then only the answer was lost. Times are those of the try
    that arrived, which may have been an earlier one, and it has noted its events."""
    same_times = replace(
        found,
        etag="",
        state_since=wanted.state_since,
        started=wanted.started,
        ended=wanted.ended,
        enqueued=wanted.enqueued,
        retry_at=wanted.retry_at,
        events=wanted.events,
        noted=wanted.noted,
    )
    return same_times == replace(wanted, etag="")


def retry_pause(first_seconds: float, attempt: int) -> float:
    """Seconds between `attempt` (from 1) and the next: doubling, with jitter, so that a fault that many jobs
    share is not repeated by all of them at once."""
    pause = min(_LONGEST_PAUSE_SECONDS, first_seconds * 2.0 ** (attempt - 1))
    return pause * random.uniform(0.5, 1.5)
