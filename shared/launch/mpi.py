"""Toolkits under Open MPI's mpirun: cntk, caffe, chainer, horovod, customMpi, pyTorch with MPI. PURE.

The original never published its line; this one follows what its team wrote by hand before these toolkits
existed (docs/adr/0011-mpi-launch.md).
"""

import ipaddress
import shlex
from dataclasses import replace

from shared.environment.layout import NodeLayout
from shared.environment.variables import Node, job_environment
from shared.launch.plan import Context, Launch, ProcessPlan
from shared.launch.spread import slots

#: Open MPI forwards its own by itself; GPUs are numbered differently on nodes that share a machine.
_NOT_FORWARDED = ("OMPI_", "PMIX_", "CUDA_VISIBLE_DEVICES")
#: What Open MPI gives a process, for the one process that is started without it.
_ALONE = {
    "OMPI_COMM_WORLD_RANK": "0",
    "OMPI_COMM_WORLD_SIZE": "1",
    "OMPI_COMM_WORLD_LOCAL_RANK": "0",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "1",
}


#: Ranks of two "nodes" on one machine would take each other's shared memory for their own.
_APART = ("--mca", "btl", "self,tcp")


def launch(context: Context, command: str, process_count: int | None) -> Launch:
    """`process_count` (default: one per node) processes that run the shell text `command`.

    One process is started without mpirun.
    """
    count = context.node_count if process_count is None else process_count
    per_node = slots(count, context.node_count)
    if count == 1:
        process = ProcessPlan("", 0, command, context.environment(_ALONE), "command")
    else:
        process = ProcessPlan("", 0, mpirun(context, per_node, _at_work(context, command)), {}, "mpi")
    return Launch((process,), slots=per_node, notes=_notes(context, per_node))


def mpirun(context: Context, per_node: tuple[int, ...], program: str) -> str:
    """The mpirun line for `program`, whose first words may be further options.

    It names the variables to forward; their values never enter it.
    """
    words = ["mpirun", "--allow-run-as-root", "-n", str(sum(per_node)), *_hosts(context, per_node)]
    # Trainers are threaded: Open MPI's default would pin each process to one core.
    words += ["--map-by", "slot", "--bind-to", "none", *_interfaces(context.placement.nodes)]
    words += [word for name in _forwarded(context) for word in ("-x", shlex.quote(name))]
    return " ".join([*words, program])


def in_shell(command: str) -> str:
    """`command` as one program: its variables, pipes and `&&` belong to each rank, not to mpirun's shell."""
    return f"bash -c {shlex.quote(command)}"


def _at_work(context: Context, command: str) -> str:
    # Open MPI gives every rank the leader's working directory by name, and home where there is none.
    there = 'cd "$AZ_BATCHAI_JOB_WORK_DIR" || exit; ' if context.node_count > 1 else ""
    return in_shell(f"{there}{command}")


def hostfile(nodes: tuple[Node, ...], per_node: tuple[int, ...]) -> str:
    """Open MPI host file; nodes without a process are left out, because it refuses `slots=0`.

    Runners that share a machine have their ids, which ssh knows: Open MPI would take every address of the
    machine for the leader itself.
    """
    names = [node.node_id if _share_machine(nodes) else node.address for node in nodes]
    lines = (f"{name} slots={count}" for name, count in zip(names, per_node, strict=True) if count)
    return "".join(f"{line}\n" for line in lines)


def _forwarded(context: Context) -> list[str]:
    """The job's variables whose values hold on every node. Those of a node itself (its id, its folders, which
    differ where runners share a machine) a login there brings along."""
    here = job_environment(context.spec, context.placement, base=context.base)
    if context.node_count == 1:
        return [name for name in here if not name.startswith(_NOT_FORWARDED)]
    layout = NodeLayout(f"{context.placement.layout.root}/elsewhere", context.placement.job)
    there = job_environment(
        context.spec,
        replace(context.placement, layout=layout, index=1 - min(context.placement.index, 1)),
        base=context.base,
    )
    return [
        name for name, value in here.items() if there[name] == value and not name.startswith(_NOT_FORWARDED)
    ]


def _hosts(context: Context, per_node: tuple[int, ...]) -> list[str]:
    # On one node no address is needed, hence no name resolution and no ssh to oneself.
    if context.node_count == 1:
        return ["--host", f"localhost:{per_node[0]}"]
    return ["--hostfile", '"$AZ_BATCHAI_MPI_HOST_FILE"']


def _interfaces(nodes: tuple[Node, ...]) -> list[str]:
    # docker0 and lo have the same address on every node, so they must not be tried between nodes. "Nodes"
    # that are loopback addresses of one machine have only lo, which Open MPI leaves out by default.
    if len(nodes) == 1:
        return []
    loopback = [_is_loopback(node.address) for node in nodes]
    if any(loopback) and not all(loopback):
        return []
    interfaces = ["btl_tcp_if_include", "lo"] if all(loopback) else ["btl_tcp_if_exclude", "docker0,lo"]
    return [*(_APART if _share_machine(nodes) else ()), "--mca", *interfaces]


def _share_machine(nodes: tuple[Node, ...]) -> bool:
    """Whether two of them are on one machine, as far as their addresses show."""
    addresses = {node.address for node in nodes}
    return len(addresses) < len(nodes) or (len(nodes) > 1 and all(map(_is_loopback, addresses)))


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
