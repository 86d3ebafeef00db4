"""tensorFlowSettings: master, workers and parameter servers, one process each. PURE.

Source: the original's table of variables and its answer to the request for TF_CONFIG;
docs/adr/0012-tf-config.md says what a tf.estimator or Keras user does.
"""

import json
from collections import Counter
from dataclasses import dataclass

from shared.documents.models.toolkits import TensorFlowSettings
from shared.documents.spec import JobSpec
from shared.environment.variables import endpoint
from shared.errors import LaunchError
from shared.launch import python_tool
from shared.launch.plan import Context, Launch, ProcessPlan, required
from shared.launch.spread import slots, spread, visible_devices


@dataclass(frozen=True)
class Cluster:
    """Where the tasks of one job listen. Worker 0 is the master."""

    workers: tuple[str, ...]
    servers: tuple[str, ...]
    worker_nodes: tuple[int, ...]
    server_nodes: tuple[int, ...]


def launch(context: Context) -> Launch:
    """Logs are named wk-<i> (the master is wk-0, also alone) and ps-<i>. Parameter servers are not essential:
    they never end by themselves. Raises LaunchError for more tasks than the nodes hold."""
    settings = required(context.spec.tensor_flow_settings, "tensorFlowSettings")
    worker_count, server_count = _counts(settings, context)
    cluster = _cluster(context, worker_count, server_count)
    workers = [_worker(context, settings, cluster, index) for index in range(worker_count)]
    servers = [_server(context, settings, cluster, index) for index in range(server_count)]
    return Launch((*workers, *servers), slots(worker_count, context.node_count), _notes(settings, cluster))


def port_count(spec: JobSpec) -> int:
    """How many ports one node needs at most."""
    settings = required(spec.tensor_flow_settings, "tensorFlowSettings")
    workers = settings.worker_count or spec.node_count
    return -(-workers // spec.node_count) + 1  # its workers, and a parameter server


def _counts(settings: TensorFlowSettings, context: Context) -> tuple[int, int]:
    """Workers (the master among them) and parameter servers. One node without counts is a single process."""
    nodes = context.node_count
    workers = settings.worker_count if settings.worker_count is not None else nodes
    servers = settings.parameter_server_count
    if servers is None:
        servers = 1 if nodes > 1 or workers > 1 else 0
    gpus = [node.gpus for node in context.placement.nodes]
    if all(gpus) and workers > sum(gpus):
        raise LaunchError(
            f"workerCount is {workers}, but {nodes} nodes have {sum(gpus)} GPUs; one GPU per worker"
        )
    if servers > nodes:
        raise LaunchError(
            f"parameterServerCount is {servers}, but there are {nodes} nodes; at most one per node"
        )
    return workers, servers


def _cluster(context: Context, worker_count: int, server_count: int) -> Cluster:
    """Ports count per address, parameter servers first, as the original's did."""
    nodes, taken = context.placement.nodes, Counter[str]()

    def listen(node: int) -> str:
        # Nodes at one address that have looked for free ports have offered different ones.
        counted = nodes[node].node_id if nodes[node].ports else nodes[node].address
        taken[counted] += 1
        return endpoint(nodes[node].address, context.placement.port(node, taken[counted] - 1))

    server_nodes, worker_nodes = spread(server_count, len(nodes)), spread(worker_count, len(nodes))
    servers = tuple(listen(node) for node in server_nodes)
    return Cluster(tuple(listen(node) for node in worker_nodes), servers, worker_nodes, server_nodes)


def _worker(context: Context, settings: TensorFlowSettings, cluster: Cluster, index: int) -> ProcessPlan:
    role = "worker" if index else "master"
    arguments = settings.worker_command_line_args if index else settings.master_command_line_args
    node = cluster.worker_nodes[index]
    local = index - cluster.worker_nodes.index(node)
    own = _variables(cluster, role, index)
    own |= visible_devices(context.placement.nodes[node], local, cluster.worker_nodes.count(node))
    command = python_tool.command(settings, arguments, context.python)
    return ProcessPlan(f"wk-{index}", node, command, context.environment(own), role)


def _server(context: Context, settings: TensorFlowSettings, cluster: Cluster, index: int) -> ProcessPlan:
    node = cluster.server_nodes[index]
    own = _variables(cluster, "ps", index)
    if context.placement.nodes[node].gpus:
        # TensorFlow takes all memory of every GPU it sees: a parameter server would starve the workers there.
        own["CUDA_VISIBLE_DEVICES"] = "-1"
    command = python_tool.command(settings, settings.parameter_server_command_line_args, context.python)
    return ProcessPlan(f"ps-{index}", node, command, context.environment(own), "ps", essential=False)


def _variables(cluster: Cluster, role: str, index: int) -> dict[str, str]:
    variables = {
        "AZ_BATCHAI_TASK_TYPE": role,
        "AZ_BATCHAI_TASK_INDEX": str(index),
        "AZ_BATCHAI_PS_HOSTS": ",".join(cluster.servers),
        "AZ_BATCHAI_WORKER_HOSTS": ",".join(cluster.workers),
    }
    if len(cluster.workers) + len(cluster.servers) > 1:
        variables["TF_CONFIG"] = _original_config(cluster, role, index)
        variables["AZ_BATCHAI_TF_CONFIG_CHIEF"] = _chief_config(cluster, role, index)
    return variables


def _original_config(cluster: Cluster, role: str, index: int) -> str:
    """The master is worker 0 as well; there is no "chief"."""
    tasks = {"ps": cluster.servers} if cluster.servers else {}
    return _json(tasks | {"worker": cluster.workers}, role, index)


def _chief_config(cluster: Cluster, role: str, index: int) -> str:
    """What TensorFlow 1.5 and later expect: worker 0 is the chief, the others count from 0 again."""
    tasks = {"chief": cluster.workers[:1], "worker": cluster.workers[1:], "ps": cluster.servers}
    present = {name: hosts for name, hosts in tasks.items() if hosts}
    if role == "master":
        return _json(present, "chief", 0)
    return _json(present, role, index - 1 if role == "worker" else index)


def _json(tasks: dict[str, tuple[str, ...]], role: str, index: int) -> str:
    config = {"cluster": tasks, "task": {"type": role, "index": index}, "environment": "cloud"}
    return json.dumps(config, separators=(",", ":"))


def _notes(settings: TensorFlowSettings, cluster: Cluster) -> tuple[str, ...]:
    notes = []
    if len(cluster.workers) > 1 and not settings.worker_command_line_args:
        notes.append("workerCommandLineArgs is not given: the workers after the first run without arguments")
    if cluster.servers and not settings.parameter_server_command_line_args:
        notes.append(
            "parameterServerCommandLineArgs is not given: the parameter servers run without arguments"
        )
    if cluster.servers:
        notes.append(
            "parameter servers are ended when the last worker is done; their exit code does not count"
        )
    return tuple(notes)
