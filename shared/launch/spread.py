"""Which process runs on which node, and which GPUs it sees there. PURE."""

from shared.environment.variables import Node


def slots(count: int, nodes: int) -> tuple[int, ...]:
    """How many of `count` processes each of `nodes` nodes gets: as even as can be, earlier nodes first."""
    share, rest = divmod(count, nodes)
    return tuple(share + (index < rest) for index in range(nodes))


def spread(count: int, nodes: int) -> tuple[int, ...]:
    """The node of each of `count` processes: neighbours share a node, as mpirun fills slots."""
    return tuple(node for node, share in enumerate(slots(count, nodes)) for _ in range(share))


def visible_devices(node: Node, local_index: int, local_count: int) -> dict[str, str]:
    """CUDA_VISIBLE_DEVICES of process `local_index` of the `local_count` that share `node`.

    Nothing where a process has the node to itself or there is no GPU. With more processes than GPUs some
    share one.
    """
    if local_count < 2 or not node.gpus:
        return {}
    if local_count > node.gpus:
        return {"CUDA_VISIBLE_DEVICES": str(local_index % node.gpus)}
    first, end = (edge * node.gpus // local_count for edge in (local_index, local_index + 1))
    return {"CUDA_VISIBLE_DEVICES": ",".join(str(device) for device in range(first, end))}
