"""pyTorchSettings: one process per rank (Gloo, TCP, NCCL), or mpirun for the MPI backend. PURE."""

from shared.environment.variables import endpoint
from shared.launch import mpi, python_tool, ranks
from shared.launch.plan import Context, Launch, required

_ALL_DEVICES = (
    "the ranks of a node see one part of its GPUs each, so LOCAL_RANK is not set; "
    "to see all of them in every rank, set CUDA_VISIBLE_DEVICES in environmentVariables"
)


def launch(context: Context) -> Launch:
    settings = required(context.spec.py_torch_settings, "pyTorchSettings")
    backend = (settings.communication_backend or "").lower()
    count = settings.process_count or context.node_count
    command = python_tool.command(settings, settings.command_line_args, context.python)
    if backend == "mpi" and count > 1:
        return mpi.launch(context, f"export AZ_BATCHAI_TASK_INDEX=$OMPI_COMM_WORLD_RANK; {command}", count)
    common = _common(context, backend)
    own_devices = any(v.name == "CUDA_VISIBLE_DEVICES" for v in context.spec.environment_variables)

    def variables(rank: ranks.Rank) -> dict[str, str]:
        if count == 1:
            return common
        local = {"LOCAL_RANK": str(rank.local_index)} if own_devices or not rank.devices else {}
        return common | _group(context, count) | {"RANK": str(rank.index)} | local

    launched = ranks.launch(context, command, count, variables)
    restricted = any("CUDA_VISIBLE_DEVICES" in process.environment for process in launched.processes)
    return Launch(launched.processes, launched.slots, (_ALL_DEVICES,) if restricted else ())


def _common(context: Context, backend: str) -> dict[str, str]:
    placement = context.placement
    if context.node_count > 1:
        # Not the original's file in the shared folder (docs/adr/0081-pytorch-init-method.md).
        init = f"tcp://{endpoint(placement.leader.address, placement.port(0, 0))}"
    else:
        # The name holds the attempt, because torch refuses a file that an earlier process group left.
        init = f"file://{placement.layout.shared_job_temp}/pytorch-init-{placement.attempt}"
    return {"AZ_BATCHAI_PYTORCH_INIT_METHOD": init} | (
        {"AZ_BATCHAI_PYTORCH_BACKEND": backend} if backend else {}
    )


def _group(context: Context, count: int) -> dict[str, str]:
    """What torch's own `env://` start reads; the original had only the two variables above."""
    placement = context.placement
    return {
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": placement.leader.address,
        "MASTER_PORT": str(placement.port(0, 0)),
    }
