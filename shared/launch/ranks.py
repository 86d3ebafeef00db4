"""Toolkits with one process per rank and no launcher: caffe2, and pyTorch with Gloo, TCP or NCCL. PURE."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.launch.plan import Context, Launch, ProcessPlan
from shared.launch.spread import slots, spread, visible_devices


@dataclass(frozen=True)
class Rank:
    """One process of a group."""

    index: int  #: in the whole group
    node: int  #: index of its node
    local_index: int  #: among the processes of its node
    devices: Mapping[str, str]  #: CUDA_VISIBLE_DEVICES, or nothing where it sees every GPU


def launch(
    context: Context, command: str, count: int, variables: Callable[[Rank], Mapping[str, str]]
) -> Launch:
    """`count` processes of `command`, named by rank.

    Each has AZ_BATCHAI_TASK_INDEX, its share of the GPUs and `variables(rank)`.
    """
    processes = []
    for rank in _ranks(context, count):
        own = {"AZ_BATCHAI_TASK_INDEX": str(rank.index), **rank.devices, **variables(rank)}
        name = str(rank.index)
        processes.append(ProcessPlan(name, rank.node, command, context.environment(own), "rank"))
    return Launch(tuple(processes), slots=slots(count, context.node_count))


def _ranks(context: Context, count: int) -> list[Rank]:
    nodes = spread(count, context.node_count)
    ranks = []
    for index, node in enumerate(nodes):
        local = index - nodes.index(node)
        devices = visible_devices(context.placement.nodes[node], local, nodes.count(node))
        ranks.append(Rank(index, node, local, devices))
    return ranks
