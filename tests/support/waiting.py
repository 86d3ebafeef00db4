"""Waiting in tests: poll a condition with a limit, never a bare sleep."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

T = TypeVar("T")


def eventually(
    predicate: Callable[[], T | Literal[False] | None], seconds: float = 10.0, interval: float = 0.05
) -> T:
    """The first truthy answer of `predicate`; AssertionError after `seconds`, with the last answer.

    Exceptions of type AssertionError inside the predicate count as "not yet".
    """
    deadline = time.monotonic() + seconds
    last: object = None
    while True:
        try:
            answer = predicate()
            if answer:
                return answer
            last = answer
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {seconds} s; last answer: {last!r}")
        time.sleep(interval)


def files_below(folder: Path, name: str) -> list[Path]:
    """Every file called `name` below a folder that others clear and fill meanwhile (Path.glob raises)."""
    return [Path(place, name) for place, _, files in os.walk(folder) if name in files]
