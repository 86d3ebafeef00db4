"""Defaults that depend on other members, written into the document as the service wrote them back. PURE."""

from typing import Any

#: *Settings objects whose processCount is nodeCount when missing (REST specification).
_WITH_PROCESS_COUNT = (
    "cntkSettings",
    "pyTorchSettings",
    "caffeSettings",
    "chainerSettings",
    "horovodSettings",
    "customMpiSettings",
)


def with_defaults(job: dict[str, Any]) -> dict[str, Any]:
    """A copy of a job's properties with process counts and worker counts filled in."""
    nodes = job.get("nodeCount")
    if not isinstance(nodes, int):
        return job
    out = dict(job)
    for name in _WITH_PROCESS_COUNT:
        settings = out.get(name)
        if isinstance(settings, dict) and "processCount" not in settings:
            out[name] = {**settings, "processCount": nodes}
    settings = out.get("tensorFlowSettings")
    if isinstance(settings, dict) and _distributed(settings, nodes):
        out["tensorFlowSettings"] = {"workerCount": nodes, "parameterServerCount": 1, **settings}
    return out


def _distributed(settings: dict[str, Any], nodes: int) -> bool:
    """Whether a TensorFlow job has more than one process: only then do its counts have defaults."""
    workers = settings.get("workerCount")
    return nodes > 1 or "parameterServerCount" in settings or (isinstance(workers, int) and workers > 1)
