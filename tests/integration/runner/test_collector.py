"""runner.__main__: when Python looks for cycles."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from runner.__main__ import spare_the_collector


class _Cycle:
    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def spared() -> Iterator[None]:
    before = gc.get_threshold()
    spare_the_collector()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("spared")
def test_a_cycle_that_outlived_two_looks_is_found_within_a_hundred_jobs() -> None:
    cycle = _Cycle()
    gone = weakref.ref(cycle)
    gc.collect(1)
    gc.collect(1)
    del cycle
    # A job leaves some two thousand objects at a time.
    for _ in range(20):
        held: list[list[int]] = [[] for _ in range(10_001)]
        del held
    assert gone() is None
