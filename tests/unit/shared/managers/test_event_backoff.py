"""When a receiver that does not take events is asked again."""

from shared.managers.event_backoff import Backoff
from tests.support.memory.clock import FakeClock


def pauses(backoff: Backoff, clock: FakeClock, count: int) -> list[float]:
    found = []
    for _ in range(count):
        assert backoff.failed()
        begun = clock.monotonic()
        while not backoff.is_over():
            clock.move(0.5)
        found.append(clock.monotonic() - begun)
    return found


def test_later_and_later_and_never_given_up() -> None:
    clock = FakeClock()
    assert pauses(Backoff(clock.monotonic), clock, 9) == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_after_a_success_it_begins_anew() -> None:
    clock = FakeClock()
    backoff = Backoff(clock.monotonic)
    pauses(backoff, clock, 5)
    backoff.succeeded()
    assert pauses(backoff, clock, 1) == [1]


def test_several_failures_at_the_same_time_count_once() -> None:
    clock = FakeClock()
    backoff = Backoff(clock.monotonic)
    assert [backoff.failed() for _ in range(8)] == [True, *[False] * 7]
    clock.move(1)
    assert pauses(backoff, clock, 1) == [2]


def test_what_the_receiver_asks_for_counts_within_bounds() -> None:
    clock = FakeClock()
    for asked, granted in ((17, 17), (0, 1), (1_000_000, 3600)):
        backoff = Backoff(clock.monotonic)
        backoff.failed(asked)
        clock.move(granted - 0.5)
        assert not backoff.is_over()
        clock.move(0.5)
        assert backoff.is_over()
