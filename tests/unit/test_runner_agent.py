from collections import Counter
from itertools import islice
from pathlib import Path

from runner.agent import poll_orders
from runner.config import RunnerConfig
from shared.names import ClusterId

CONFIG = RunnerConfig(ClusterId("ws", "gpu"), "n0", Path("/r"))


def test_every_turn_looks_at_every_queue() -> None:
    turns = list(islice(poll_orders(CONFIG), 32))
    assert {len(set(turn)) for turn in turns} == {3}


def test_high_comes_first_and_none_is_starved() -> None:
    """With all queues always full only the first look of a turn matters."""
    first = Counter(turn[0].rpartition("-")[2] for turn in islice(poll_orders(CONFIG), 160))
    assert first == {"high": 120, "normal": 30, "low": 10}


def test_the_first_turn_favours_high() -> None:
    assert [name.rpartition("-")[2] for name in next(poll_orders(CONFIG))] == ["high", "normal", "low"]
