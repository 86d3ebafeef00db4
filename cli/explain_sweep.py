"""`batchai explain sweep.json`: which runs there would be, and what would become of the first."""

from collections.abc import Callable, Iterator
from typing import Any

from cli.sweep_runs import shown_value
from shared.documents.parse import DocumentSettings
from shared.sweeps.parse import parse_sweep
from shared.sweeps.plan import SweepPlan
from shared.sweeps.run_documents import run_document

#: Runs listed for people; JSON has them all.
_MOST_LISTED = 20
Explain = Callable[[bytes], dict[str, Any]]


def explained_sweep(data: bytes, settings: DocumentSettings, explain: Explain) -> dict[str, Any]:
    """`accepted`, `problems`, `sweep` (its runs) and `job`: the explanation of the first run's document."""
    parsed = parse_sweep(data, settings)
    problems = [problem.as_json() for problem in parsed.problems]
    if parsed.plan is None:
        return {"accepted": False, "problems": problems, "sweep": None, "job": None}
    first = explain(run_document(parsed.plan, 0))
    sweep = _sweep(parsed.plan)
    return {"accepted": first["job"] is not None, "problems": problems, "sweep": sweep, "job": first["job"]}


def _sweep(plan: SweepPlan) -> dict[str, Any]:
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
        values = ", ".join(f"{name}={shown_value(value)}" for name, value in run["parameters"].items())
        yield f"run {run['index']}: {values}".rstrip(": ")
    if (left := sweep["count"] - _MOST_LISTED) > 0:
        yield f"and {left:,} more (-o json has them all)"
