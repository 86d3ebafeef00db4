"""Threads that begin late begin in time, and not at all when nobody needs them any more."""

import threading
import time

import pytest

from runner.machine import late_thread
from runner.machine.late_thread import LateThread
from tests.support.waiting import eventually


def test_it_begins_when_it_is_due() -> None:
    begun = threading.Event()
    thread = LateThread(begun.set, "x")
    before = time.monotonic()
    thread.start(0.1)
    assert begun.wait(5)
    assert time.monotonic() - before >= 0.1
    thread.join()
    assert not thread.is_alive()


def test_an_order_that_is_due_earlier_is_not_held_up_by_one_that_is_due_later() -> None:
    begun = threading.Event()
    later, earlier = LateThread(lambda: None, "later"), LateThread(begun.set, "earlier")
    later.start(60)
    earlier.start(0.05)
    assert begun.wait(5)
    assert later.cancel()


def test_cancelled_it_never_begins_by_itself() -> None:
    begun = threading.Event()
    thread = LateThread(begun.set, "x")
    thread.start(0.05)
    assert thread.cancel()
    after = threading.Event()
    LateThread(after.set, "after").start(0.1)
    assert after.wait(5)
    assert not begun.is_set()
    thread.join()


def test_asked_for_it_begins_at_once_and_once() -> None:
    calls: list[float] = []
    thread = LateThread(lambda: calls.append(time.monotonic()), "x")
    thread.start(0.05)
    thread.begin()
    thread.begin()
    assert not thread.cancel()
    thread.join()
    time.sleep(0.1)
    assert len(calls) == 1


def test_a_machine_without_space_for_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()
    thread = LateThread(begun.set, "no space")
    refused: list[threading.Thread] = []
    start = threading.Thread.start

    def starting(self: threading.Thread) -> None:
        if self.name == "no space" and not refused:
            refused.append(self)
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", starting)
    monkeypatch.setattr(late_thread, "_AGAIN_SECONDS", 0.05)
    thread.start(0.0)
    assert begun.wait(5)
    eventually(lambda: not thread.is_alive())
