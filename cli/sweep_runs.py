"""The runs of a sweep as a table: sorted by the metric, best first. Pure."""

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from cli.columns import Row

Run = dict[str, Any]


def best_first(runs: Iterable[Run], metric: dict[str, Any] | None) -> list[Run]:
    """The runs that have a metric, best first, then the others by index."""
    sign = -1.0 if metric and metric.get("goal") == "maximize" else 1.0

    def place(run: Run) -> tuple[float, int]:
        value = run.get("metric")
        return (math.inf if value is None else sign * float(value)), int(run["index"])

    return sorted(runs, key=place)


def run_row(run: Run, metric: dict[str, Any] | None) -> Row:
    """The columns of a run: index, state, metric, parameters, how long it ran."""
    row = {"Index": str(run["index"]), "State": str(run["state"])}
    if metric:
        value = run.get("metric")
        row[metric_name(metric)] = "" if value is None else f"{value:.6g}"
    row |= {name: shown_value(value) for name, value in run["parameters"].items()}
    row["Seconds"] = _seconds(run)
    if run.get("exitCode"):
        row["Exit Code"] = str(run["exitCode"])
    if run.get("message"):
        row["Message"] = str(run["message"]).splitlines()[0][:80]
    return row


def metric_name(metric: dict[str, Any]) -> str:
    """What a metric is called."""
    return str(metric.get("key") or "metric")


def summary(sweep: dict[str, Any]) -> str:
    """How a sweep stands, in a line."""
    properties = sweep["properties"]
    runs = properties["runs"]
    parts = [f"{runs['succeeded']} of {runs['total']} runs succeeded"]
    parts += [f"{runs[key]} {word}" for key, word in _WORDS if runs[key]]
    why = f" ({properties['why']})" if properties.get("why") else ""
    return f"sweep {sweep['name']}: {properties['state']}{why}, {', '.join(parts)}"


_WORDS = (("failed", "failed"), ("inFlight", "queued or running"), ("waiting", "waiting"))


def shown_value(value: Any) -> str:
    """A parameter's value in a table."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _seconds(run: Run) -> str:
    if "startTime" not in run or "endTime" not in run:
        return ""
    begun, ended = (datetime.fromisoformat(run[name]) for name in ("startTime", "endTime"))
    return f"{(ended - begun).total_seconds():.1f}"
