"""Job documents and placements for tests of the environment and of launch plans."""

from collections.abc import Sequence
from typing import Any

from shared.documents.spec import JobSpec
from shared.environment.layout import NodeLayout
from shared.environment.variables import Node, Placement
from shared.names.ids import ClusterId, JobId, Scope

JOB = JobId("ws", "exp", "job")
SCOPE = Scope("sub", "rg")
SEGMENT = "sub/rg/workspaces/ws/experiments/exp/jobs/job/the-uuid"
TEMP = "/root/jobs/ws/exp/job"


def job(nodes: int = 1, **properties: Any) -> JobSpec:
    """A job document by its REST names; without a *Settings object it runs `true`."""
    if not any(name.endswith("Settings") for name in properties):
        properties["customToolkitSettings"] = {"commandLine": "true"}
    return JobSpec.model_validate({"nodeCount": nodes, "stdOutErrPathPrefix": "/logs"} | properties)


def placement(
    nodes: int = 1,
    gpus: int = 0,
    addresses: Sequence[str] = (),
    index: int = 0,
    ports: Sequence[tuple[int, ...]] = (),
) -> Placement:
    """`nodes` nodes 10.0.0.4, 10.0.0.5, ... (or `addresses`), second attempt."""
    given = addresses or [f"10.0.0.{4 + i}" for i in range(nodes)]
    return Placement(
        scope=SCOPE,
        job=JOB,
        cluster=ClusterId("ws", "gpus"),
        uuid="the-uuid",
        attempt=2,
        layout=NodeLayout("/root", JOB),
        nodes=tuple(
            Node(f"node-{i}", address, gpus, ports[i] if ports else ()) for i, address in enumerate(given)
        ),
        index=index,
    )
