"""Waiting in tests: poll a condition with a limit, never a bare sleep."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

T = TypeVar("T")

_LONGEST_PAUSE = 0.25  #: seconds


def eventually(
    predicate: Callable[[], T | Literal[False] | None], seconds: float = 10.0, interval: float = 0.05
) -> T:
    """The first truthy answer of `predicate`; AssertionError after `seconds`, with the last answer.

    Exceptions of type AssertionError inside the predicate count as "not yet". `interval`: at least so many
    seconds are between two looks, and a tenth of the time since the first, for looks take a processor away
    from what is waited for; a quarter of a second at most, where `interval` is shorter than that.
    """
    begun = time.monotonic()
    deadline = begun + seconds
    last: object = None
    while True:
        try:
            answer = predicate()
            if answer:
                return answer
            last = answer
        except AssertionError as error:
            last = error
        now = time.monotonic()
        if now > deadline:
            raise AssertionError(f"not true within {seconds} s; last answer: {last!r}")
        time.sleep(max(interval, min(_LONGEST_PAUSE, (now - begun) / 10)))


def files_below(folder: Path, name: str) -> list[Path]:
    """Every file called `name` below a folder that others clear and fill meanwhile (Path.glob raises)."""
    return [Path(place, name) for place, _, files in os.walk(folder) if name in files]
