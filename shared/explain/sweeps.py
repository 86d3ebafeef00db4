"""Which runs there would be of a sweep.json, for people and for scripts. PURE."""

from collections.abc import Iterator
from typing import Any

from shared.sweeps.parameters import Value
from shared.sweeps.plan import SweepPlan

#: Runs listed for people; JSON has them all.
_MOST_LISTED = 20


def sweep_explanation(plan: SweepPlan) -> dict[str, Any]:
    """The runs of a sweep, and how they are held together."""
    runs = [{"index": plan.index(n), "parameters": plan.values(n)} for n in range(plan.count)]
    sweep: dict[str, Any] = {"count": plan.count, "runs": runs}
    if plan.max_concurrent:
        sweep["maxConcurrent"] = plan.max_concurrent
    if plan.max_failures:
        sweep["maxFailures"] = plan.max_failures
    if plan.metric:
        goal = "maximize" if plan.metric.maximize else "minimize"
        sweep["metric"] = {"name": plan.metric.name, "goal": goal}
    return sweep


def sweep_lines(sweep: dict[str, Any]) -> Iterator[str]:
    """What a person reads of a sweep."""
    at_once = sweep.get("maxConcurrent")
    yield f"{sweep['count']:,} runs" + (f", {at_once:,} of them at once" if at_once else "")
    if "maxFailures" in sweep:
        yield f"it ends once {sweep['maxFailures']:,} runs have failed"
    if "metric" in sweep:
        yield f"compared by {sweep['metric']['name']}, to {sweep['metric']['goal']}"
    for run in sweep["runs"][:_MOST_LISTED]:
        values = ", ".join(f"{name}={_shown(value)}" for name, value in run["parameters"].items())
        yield f"run {run['index']}: {values}".rstrip(": ")
    if (left := sweep["count"] - _MOST_LISTED) > 0:
        yield f"and {left:,} more (-o json has them all)"


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)
