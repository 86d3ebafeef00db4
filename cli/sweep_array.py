"""`batchai job create --array 0-99`: a sweep whose runs differ by their index only."""

import json
from typing import Any

from cli import columns
from cli.document import sweep_properties
from cli.faults import USAGE, Fault
from cli.session import Session
from cli.sweep import submit
from cli.sweep_watch import watched
from shared.sweeps.plan_reader import array_bounds


def create_array(
    session: Session, name: str, job: dict[str, Any], array: str, max_concurrent: int | None, watch: bool
) -> None:
    """Submit the array `name` of a job document. Raises Fault."""
    try:
        array_bounds(array)
    except ValueError as fault:
        raise Fault(str(fault), "Write --array 0-99.", USAGE) from None
    properties: dict[str, Any] = {"array": array, "job": job}
    if max_concurrent:
        properties["maxConcurrent"] = max_concurrent
    document = json.dumps({"properties": properties}).encode()
    made = submit(session, name, sweep_properties("the array", document, name, session.account()))
    if watch:
        watched(session, session.sweep(name))
    else:
        session.show(made, columns.sweep)
