"""Toolkits under Open MPI's mpirun: cntk, caffe, chainer, horovod, customMpi, pyTorch with MPI. PURE.

The original never published its line; this one follows what its team wrote by hand before these toolkits
existed (docs/adr/0011-mpi-launch.md).
"""

import ipaddress
import shlex

from runner.launch.plan import Context, Launch, ProcessPlan
from runner.launch.spread import slots
from shared.environment import Node, job_environment

#: Of the node itself: the leader's value would be wrong elsewhere. Open MPI forwards its own by itself.
_NOT_FORWARDED = ("AZ_BATCH_NODE_ID", "OMPI_", "PMIX_")
#: What Open MPI tells a process, for the one process that is started without it.
_ALONE = {
    "OMPI_COMM_WORLD_RANK": "0",
    "OMPI_COMM_WORLD_SIZE": "1",
    "OMPI_COMM_WORLD_LOCAL_RANK": "0",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "1",
}


def launch(context: Context, command: str, process_count: int | None) -> Launch:
    """`process_count` (default: one per node) processes that run the shell text `command`.

    One process is started without mpirun.
    """
    count = context.node_count if process_count is None else process_count
    per_node = slots(count, context.node_count)
    if count == 1:
        process = ProcessPlan("", 0, command, context.environment(_ALONE), "command")
    else:
        process = ProcessPlan("", 0, mpirun(context, per_node, in_shell(command)), {}, "mpi")
    return Launch((process,), slots=per_node, notes=_notes(context, per_node))


def mpirun(context: Context, per_node: tuple[int, ...], program: str) -> str:
    """The mpirun line for `program`, whose first words may be further options.

    It names the variables to forward; their values never enter it.
    """
    words = ["mpirun", "--allow-run-as-root", "-n", str(sum(per_node)), *_hosts(context, per_node)]
    # Trainers are threaded: Open MPI's default would pin each process to one core.
    words += ["--map-by", "slot", "--bind-to", "none", *_interfaces(context.placement.nodes)]
    names = job_environment(context.spec, context.placement, base=context.base)
    words += [
        word for name in names if not name.startswith(_NOT_FORWARDED) for word in ("-x", shlex.quote(name))
    ]
    return " ".join([*words, program])


def in_shell(command: str) -> str:
    """`command` as one program: its variables, pipes and `&&` belong to each rank, not to mpirun's shell."""
    return f"bash -c {shlex.quote(command)}"


def hostfile(nodes: tuple[Node, ...], per_node: tuple[int, ...]) -> str:
    """Open MPI host file; nodes without a process are left out, because it refuses `slots=0`."""
    lines = (f"{node.address} slots={count}" for node, count in zip(nodes, per_node, strict=True) if count)
    return "".join(f"{line}\n" for line in lines)


def _hosts(context: Context, per_node: tuple[int, ...]) -> list[str]:
    # On one node no address is needed, hence no name resolution and no ssh to oneself.
    if context.node_count == 1:
        return ["--host", f"localhost:{per_node[0]}"]
    return ["--hostfile", '"$AZ_BATCHAI_MPI_HOST_FILE"']


def _interfaces(nodes: tuple[Node, ...]) -> list[str]:
    # docker0 and lo have the same address on every node, so they must not be tried between nodes. "Nodes"
    # that are loopback addresses of one machine have only lo, which Open MPI leaves out unless told.
    if len(nodes) == 1:
        return []
    loopback = [_is_loopback(node.address) for node in nodes]
    if all(loopback):
        return ["--mca", "btl_tcp_if_include", "lo"]
    return [] if any(loopback) else ["--mca", "btl_tcp_if_exclude", "docker0,lo"]


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _notes(context: Context, per_node: tuple[int, ...]) -> tuple[str, ...]:
    idle = per_node.count(0)
    crowded = any(
        node.gpus and n > node.gpus for node, n in zip(context.placement.nodes, per_node, strict=True)
    )
    return (
        *(
            [f"{idle} of {len(per_node)} nodes start no process: processCount is {sum(per_node)}"]
            if idle
            else []
        ),
        *(["more processes than GPUs on a node: some will share a GPU"] if crowded else []),
    )
