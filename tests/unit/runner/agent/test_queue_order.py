"""The order in which a runner looks at its queues."""

from collections import Counter

from runner.agent.queue_order import QueueOrder

HIGH, NORMAL, LOW = "h", "n", "l"


def order() -> QueueOrder:
    return QueueOrder(HIGH, NORMAL, LOW)


def test_high_before_normal_before_low() -> None:
    assert order().next(0) == (HIGH, NORMAL, LOW)


def test_every_look_is_at_every_queue() -> None:
    looks = order()
    for _ in range(100):
        assert set(looks.next(0)) == {HIGH, NORMAL, LOW}
        looks.took(looks.next(0)[0])


def test_none_is_starved_while_all_are_full() -> None:
    looks, taken = order(), Counter[str]()
    for _ in range(160):
        queue = looks.next(0)[0]
        taken[queue] += 1
        looks.took(queue)
    assert taken[HIGH] > taken[NORMAL] > taken[LOW] >= 8


def test_a_queue_found_empty_has_not_been_passed_over() -> None:
    looks = order()
    for _ in range(40):
        looks.took(HIGH)
        looks.found_empty(NORMAL, -1)
        looks.found_empty(LOW, -1)
        assert looks.next(0) == (HIGH, NORMAL, LOW)


def test_a_queue_found_empty_a_moment_ago_is_looked_at_last() -> None:
    looks = order()
    looks.found_empty(HIGH, 10.0)
    looks.took(NORMAL)
    assert looks.next(10.1) == looks.next(10.4) == (NORMAL, LOW, HIGH)
    assert looks.next(10.5) == (HIGH, NORMAL, LOW)


def test_while_all_are_empty_every_look_begins_with_high() -> None:
    looks = order()
    for turn in range(20):
        assert looks.next(turn / 20) == (HIGH, NORMAL, LOW)
        for queue in (HIGH, NORMAL, LOW):
            looks.found_empty(queue, turn / 20)


def test_jobs_of_a_moment_in_one_queue_need_two_looks_at_others_a_second() -> None:
    looks, asked = order(), Counter[str]()
    for job in range(200):  # a hundredth of a second each
        for queue in looks.next(job / 100):
            asked[queue] += 1
            if queue == NORMAL:
                looks.took(queue)
                break
            looks.found_empty(queue, job / 100)
    assert asked[NORMAL] == 200 and asked[HIGH] == 4
    assert 10 <= asked[LOW] <= 200 / 15  # it may not starve
