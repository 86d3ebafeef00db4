"""Which runs a sweep has: grids, ranges, draws, rows and arrays."""

from decimal import Decimal
from typing import Any

from shared.sweeps.draws import between, draw
from shared.sweeps.parameters import Choices, Interval, Value, drawn, number, points, text
from shared.sweeps.plan import RandomRuns, SweepPlan
from tests.support.cases import cases
from tests.support.sweep_documents import parsed


def plan(**properties: Any) -> SweepPlan:
    found = parsed(**properties)
    assert found.plan is not None, found.problems
    return found.plan


def all_values(of: SweepPlan) -> list[dict[str, Value]]:
    return [of.values(n) for n in range(of.count)]


def test_a_grid_has_every_combination_the_last_varies_fastest() -> None:
    grid = plan(parameters={"a": [1, 2], "b": ["x", "y"]})
    assert all_values(grid) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]
    assert grid.names == ("a", "b")


@cases(
    ("of", "expected"),
    [
        ({"from": 1, "to": 9, "step": 2}, [1, 3, 5, 7, 9]),
        ({"from": 0.1, "to": 0.5, "step": 0.1}, [0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"from": 0, "to": 1, "step": 0.4}, [0, 0.4, 0.8]),
        ({"from": 0, "to": 1, "count": 5}, [0, 0.25, 0.5, 0.75, 1]),
        ({"from": 0.001, "to": 1, "count": 4, "scale": "log"}, [0.001, 0.01, 0.1, 1]),
        ({"from": 1, "to": 100, "count": 4, "scale": "log", "whole": True}, [1, 5, 22, 100]),
        ({"from": 3, "to": 9, "count": 1}, [3]),
        ({"from": 2, "to": 2, "step": 1}, [2]),
        ({"from": 1, "to": 3, "count": 9, "whole": True}, [1, 2, 3]),
        ([True, "a", 1, 1.5], [True, "a", 1, 1.5]),
    ],
)
def test_values_of_lists_and_ranges(of: Any, expected: list[Value]) -> None:
    values = [values["x"] for values in all_values(plan(parameters={"x": of}))]
    assert values == expected
    assert [type(v) for v in values] == [type(v) for v in expected]


def test_a_held_seed_gives_the_same_runs_on_every_machine() -> None:
    """Golden values: they may never change, whatever the machine or the version of Python."""
    random = plan(
        parameters={
            "rate": {"from": 0.0001, "to": 1, "scale": "log"},
            "drop": {"from": 0, "to": 0.5},
            "width": {"from": 8, "to": 64, "whole": True},
            "batch": {"from": 16, "to": 64, "step": 16},
            "way": ["sgd", "adam", "lbfgs"],
        },
        random={"seed": 2018, "count": 5},
    )
    assert all_values(random) == GOLDEN


GOLDEN: list[dict[str, Value]] = [
    {"rate": 0.0985257657942, "drop": 0.464574971953, "width": 28, "batch": 64, "way": "adam"},
    {"rate": 0.157499278256, "drop": 0.291744455781, "width": 21, "batch": 16, "way": "sgd"},
    {"rate": 0.215510283212, "drop": 0.352993437055, "width": 58, "batch": 16, "way": "lbfgs"},
    {"rate": 0.000102362542762, "drop": 0.386410936995, "width": 38, "batch": 48, "way": "adam"},
    {"rate": 0.0103152988393, "drop": 0.398182254166, "width": 50, "batch": 16, "way": "adam"},
]


def test_another_parameter_or_a_larger_count_changes_no_earlier_value() -> None:
    few = plan(parameters={"x": {"from": 0, "to": 1}}, random={"seed": 5, "count": 3})
    more = plan(parameters={"y": [1, 2], "x": {"from": 0, "to": 1}}, random={"seed": 5, "count": 9})
    assert [few.values(n)["x"] for n in range(3)] == [more.values(n)["x"] for n in range(3)]


def test_draws_cover_the_interval_evenly() -> None:
    found = [draw(1, "x", n) for n in range(2000)]
    assert 0 <= min(found) < Decimal("0.01")
    assert Decimal("0.99") < max(found) < 1
    assert abs(float(sum(found)) / 2000 - 0.5) < 0.02
    wholes = {drawn(Interval(Decimal(1), Decimal(3), whole=True), part) for part in found}
    assert wholes == {1, 2, 3}
    logs = [drawn(Interval(Decimal(1), Decimal(100), log=True, whole=True), part) for part in found]
    assert 0.45 < sum(1 for value in logs if float(value) <= 10) / 2000 < 0.55


def test_logarithms_end_where_they_should() -> None:
    assert between(Decimal("0.001"), Decimal(1), Decimal(0), log=True) == Decimal("0.001")
    assert between(Decimal("0.001"), Decimal(1), Decimal(1), log=True) == 1


def test_rows_are_as_they_are_written() -> None:
    rows = [{"a": 1, "b": "x"}, {"b": "y", "a": 2.5}]
    of = plan(parameters=None, rows=rows)
    assert (of.count, all_values(of), of.names) == (2, rows, ("a", "b"))


def test_an_array_differs_by_index_only() -> None:
    of = plan(parameters=None, array="5-7")
    assert (of.count, [of.index(n) for n in range(3)], of.values(2)) == (3, [5, 6, 7], {})


def test_few_runs_have_every_value_of_every_parameter() -> None:
    of = SweepPlan({}, parameters={"a": Choices(tuple(range(10))), "b": Choices((1, True, 1.0, "1"))})
    numbers = list(of.distinctive())
    assert len(numbers) == 13
    assert {str(of.values(n)["b"]) for n in numbers} == {"1", "True", "1.0"}
    random = SweepPlan({}, parameters={"a": Choices((1, 2))}, random=RandomRuns(1, 100))
    assert len(list(random.distinctive())) == 2


def test_numbers_and_texts() -> None:
    assert [number(Decimal("2.0")), number(Decimal("2.5")), number(Decimal("2.5"), whole=True)] == [2, 2.5, 2]
    assert [text(v) for v in (True, False, 1, 0.5, 1e-05, "a b")] == [
        "true",
        "false",
        "1",
        "0.5",
        "1e-05",
        "a b",
    ]
    assert points(Interval(Decimal(0), Decimal(1))) == ()
