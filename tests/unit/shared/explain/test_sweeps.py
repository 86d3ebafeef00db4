"""Which runs there would be, as people and scripts read it."""

from shared.explain.sweeps import sweep_explanation, sweep_lines
from tests.support.sweep_documents import parsed


def test_a_plain_sweep() -> None:
    plan = parsed(parameters={"on": [True], "x": [0.001234567], "way": ["a"]}).plan
    assert plan is not None
    sweep = sweep_explanation(plan)
    assert sweep == {
        "count": 1,
        "runs": [{"index": 0, "parameters": {"on": True, "x": 0.001234567, "way": "a"}}],
    }
    assert list(sweep_lines(sweep)) == ["1 runs", "run 0: on=true, x=0.00123457, way=a"]


def test_a_sweep_with_bounds_and_a_metric() -> None:
    metric = {"pattern": "a", "goal": "minimize"}
    plan = parsed(parameters=None, array="0-24", maxConcurrent=3, maxFailures=2, metric=metric).plan
    assert plan is not None
    lines = list(sweep_lines(sweep_explanation(plan)))
    assert lines[:4] == [
        "25 runs, 3 of them at once",
        "it ends once 2 runs have failed",
        "compared by metric, to minimize",
        "run 0",
    ]
    assert lines[-1] == "and 5 more (-o json has them all)"
