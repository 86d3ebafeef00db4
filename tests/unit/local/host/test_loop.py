"""local.host.loop: a failing step is said once, retried, and never ends the loop."""

import logging
import threading

import pytest

from local.host.loop import Loop
from tests.support.waiting import eventually


def test_failures_are_reported_once_and_so_is_the_recovery(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "host")
    fails = [OSError("away"), OSError("away"), None]
    done = threading.Event()

    def step() -> float:
        fault = fails.pop(0) if fails else None
        if fault:
            raise fault
        done.set()
        return 60.0

    loop = Loop("listing", step)
    loop.start()
    eventually(lambda: loop.wake() or done.is_set())
    loop.stop()
    loop.join(5)
    assert caplog.messages == [
        "listing failed and is retried: OSError: away",
        "listing works again after 2 failed tries",
    ]


def test_wake_cuts_a_pause_short_and_stop_ends_it() -> None:
    steps: list[int] = []

    def step() -> float:
        steps.append(1)
        return 3600.0

    loop = Loop("long pause", step)
    loop.start()
    eventually(lambda: len(steps) == 1)
    loop.wake()
    eventually(lambda: len(steps) == 2)
    loop.stop()
    loop.join(5)
    assert loop.stopping
    assert len(steps) == 2
