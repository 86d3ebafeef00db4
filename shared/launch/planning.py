"""From a job document and a placement to the processes to start, one module per toolkit. PURE."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from shared.documents.spec import JobSpec
from shared.environment.variables import METRICS_FILE, Placement, ignored_variables
from shared.errors import LaunchError
from shared.launch import caffe, caffe2, chainer, cntk, custom, custom_mpi, horovod, mpi, pytorch, tensorflow
from shared.launch.plan import Context, LaunchPlan, ProcessPlan, Toolkit

TOOLKITS: Mapping[str, Toolkit] = {
    "caffe": caffe,
    "caffe2": caffe2,
    "chainer": chainer,
    "cntk": cntk,
    "custom": custom,
    "custommpi": custom_mpi,
    "horovod": horovod,
    "pytorch": pytorch,
    "tensorflow": tensorflow,
}


#: What every job is given: PyTorch's MASTER_PORT, AZ_BATCH_MASTER_NODE.
_LEAST_PORTS = 1


def port_count(spec: JobSpec) -> int:
    """How many free ports each node of a job should offer."""
    return max(_LEAST_PORTS, tensorflow.port_count(spec) if spec.tensor_flow_settings else 0)


def plan(
    spec: JobSpec,
    placement: Placement,
    *,
    python: str = "python",
    base: Mapping[str, str] = MappingProxyType({}),
) -> LaunchPlan:
    """The processes of all nodes; `placement.index` does not matter.

    `python` runs scripts where the document names no interpreter; `base` as in job_environment.
    Raises LaunchError for what cannot be.
    """
    if len(placement.nodes) != spec.node_count:
        raise LaunchError(f"the job wants {spec.node_count} nodes, but {len(placement.nodes)} were given")
    tool_type = spec.toolkit[0]
    launch = TOOLKITS[tool_type].launch(Context(spec, placement, python, base))
    slots = launch.slots or tuple(max(1, node.gpus) for node in placement.nodes)
    ignored = ignored_variables(spec, placement)
    preparation = spec.job_preparation.command_line if spec.job_preparation else None
    return LaunchPlan(
        tool_type=tool_type,
        processes=tuple(_with_metrics_file(step, placement) for step in launch.processes),
        preparation=preparation,
        files={placement.layout.hostfile: mpi.hostfile(placement.nodes, slots)},
        notes=(*launch.notes, *(f"{name} is set by the service, not by the document" for name in ignored)),
    )


def _with_metrics_file(step: ProcessPlan, placement: Placement) -> ProcessPlan:
    """Ranks of one node must not write into each other's lines. A process without a name has the node's."""
    if not step.name:
        return step
    own = {METRICS_FILE: placement.layout.metrics_file(step.name)}
    return replace(step, environment={**step.environment, **own})
