"""The curves of a sweep's runs: what each wrote into its metrics file, point by point."""

from collections.abc import Iterable
from typing import Any

from cli.faults import Refused
from cli.http import Api
from cli.messages import say

#: Runs whose curves are fetched, the best first: more lines nobody can distinguish.
MOST_CURVES = 50
_MOST_POINTS = 200
Points = list[tuple[float, float]]


def curves(api: Api, runs: Iterable[dict[str, Any]], key: str) -> dict[int, Points]:
    """By index the (step, value) of the runs that have any. A service that serves no metrics has none."""
    found: dict[int, Points] = {}
    for run in list(runs)[:MOST_CURVES]:
        if run["state"] in ("waiting", "refused", "deleted", "queued"):
            continue
        try:
            answer = api.get(f"{run['job']}/metrics", maxpoints=_MOST_POINTS)
        except Refused as fault:
            if fault.code == "InvalidResourceType":
                say("this service serves no metrics of jobs: no curves are drawn")
                return {}
            say(f"no curve of run {run['index']}: {fault.message}")
            continue
        if points := points_of(answer, key):
            found[int(run["index"])] = points
    return found


def points_of(answer: dict[str, Any], key: str) -> Points:
    """The (step, value) pairs of the first series that has the key; a line without a step counts on."""
    for series in answer.get("metrics", ()):
        samples = [s for s in series.get("samples", ()) if _is_number(s.get(key))]
        if samples:
            steps = (s["step"] if _is_number(s.get("step")) else n for n, s in enumerate(samples))
            return [(float(step), float(s[key])) for step, s in zip(steps, samples, strict=True)]
    return []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
