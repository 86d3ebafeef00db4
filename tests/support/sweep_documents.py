"""Documents of sweeps for tests of what reads them."""

import json
from typing import Any

from shared.sweeps.parse import ParsedSweep, parse_sweep

JOB: dict[str, Any] = {
    "nodeCount": 1,
    "cluster": {"id": "default"},
    "stdOutErrPathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/logs",
    "customToolkitSettings": {"commandLine": "train"},
}


def document(inner: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    """A sweep.json over x = 1, 2; a property that is None is left out; `inner`: of the job."""
    job = {key: value for key, value in (JOB | (inner or {})).items() if value is not None}
    least: dict[str, Any] = {"parameters": {"x": [1, 2]}, "job": {"properties": job}}
    given = {key: value for key, value in (least | properties).items() if value is not None}
    return {"properties": given}


def parsed(inner: dict[str, Any] | None = None, name: str = "", **properties: Any) -> ParsedSweep:
    """What the reader makes of it."""
    return parse_sweep(json.dumps(document(inner, **properties), indent=1), name=name)


def faults(inner: dict[str, Any] | None = None, name: str = "", **properties: Any) -> list[str]:
    """The errors, each with its place."""
    return [f"{problem.path}: {problem.message}" for problem in parsed(inner, name, **properties).errors]
