"""The order in which a runner looks at its queues."""

from collections import Counter

from runner.agent.queue_order import QueueOrder

HIGH, NORMAL, LOW = "h", "n", "l"


def order() -> QueueOrder:
    return QueueOrder(HIGH, NORMAL, LOW)


def test_high_before_normal_before_low() -> None:
    assert order().next() == (HIGH, NORMAL, LOW)


def test_every_look_is_at_every_queue() -> None:
    looks = order()
    for _ in range(100):
        assert set(looks.next()) == {HIGH, NORMAL, LOW}
        looks.took(looks.next()[0])


def test_none_is_starved_while_all_are_full() -> None:
    looks, taken = order(), Counter[str]()
    for _ in range(160):
        queue = looks.next()[0]
        taken[queue] += 1
        looks.took(queue)
    assert taken[HIGH] > taken[NORMAL] > taken[LOW] >= 8


def test_a_queue_found_empty_has_not_been_passed_over() -> None:
    looks = order()
    for _ in range(40):
        looks.took(HIGH)
        looks.found_empty(NORMAL)
        looks.found_empty(LOW)
        assert looks.next() == (HIGH, NORMAL, LOW)
