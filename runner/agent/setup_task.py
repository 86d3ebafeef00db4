"""The cluster's setup task: a command run on every node after the cluster's mounts, before any job."""

import os
import threading
from collections.abc import Sequence

from runner.config import job_base_environment
from runner.isolation.job_user import own
from runner.isolation.node_config import NodeConfig
from runner.logs import routing
from runner.machine import tree_removal
from runner.mounts.types import Volume
from runner.processes import job_process
from shared.documents.expansion import Expansion, expand
from shared.documents.spec import SetupTask
from shared.environment.layout import mount_root, setup_task_directory, setup_task_segment
from shared.errors import BatchAIError, LaunchError
from shared.settings import Settings
from shared.stores.cluster_table import ClusterRow

#: The last lines get this long to arrive, and less when the runner is to stop.
_DRAIN_SECONDS, _HURRIED_DRAIN_SECONDS = 30.0, 2.0


class SetupTaskError(BatchAIError):
    """The setup task could not be run or ended badly: the node takes no job."""


def run(
    task: SetupTask,
    config: NodeConfig,
    settings: Settings,
    row: ClusterRow,
    volumes: Sequence[Volume],
    stopping: threading.Event,
) -> None:
    """Run the command to its end, as this process's user, logs at the original's place.

    Raises SetupTaskError when it cannot be started, its exit code is not 0, or `stopping` is set meanwhile.
    """
    root = mount_root(str(config.root))
    try:
        env = _environment(task, config, root)
        prefix = expand(task.std_out_err_path_prefix, env, "stdOutErrPathPrefix")
    except LaunchError as error:
        raise SetupTaskError(f"the cluster's setup task cannot be started: {error}") from error
    folder = setup_task_directory(prefix, setup_task_segment(settings.scope, row.id, row.revision))
    spool = config.work / "setup-task"
    tree_removal.discard(spool)
    spool.mkdir(parents=True, mode=0o700)
    roots = {root: volumes}
    logs = routing.open_logs(folder, roots, spool, run="", attempt=1, node_root=config.root, user=own())
    out, err = (logs.add(f"{stream}-{config.node_id}.txt") for stream in ("stdout", "stderr"))
    logs.start()

    def until(begun: float) -> float:
        return begun + (_HURRIED_DRAIN_SECONDS if stopping.is_set() else _DRAIN_SECONDS)

    try:
        with routing.while_mounted(logs, until):
            child = job_process.start("setup task", task.command_line, env, config.root, out, err)
            code = _wait(child, stopping, config.grace_seconds)
    finally:
        logs.finish(until)
    if code:
        raise SetupTaskError(
            f"the cluster's setup task ended with exit code {code}; its logs are in {folder}"
        )


def _wait(child: job_process.JobProcess, stopping: threading.Event, grace_seconds: float) -> int:
    """The exit code, with nothing of the task left. Raises SetupTaskError when `stopping` is set before."""
    while child.exit_code is None and not stopping.wait(0.1):
        pass
    if child.exit_code is None:
        job_process.stop([child], grace_seconds)
        raise SetupTaskError("the setup task was interrupted: the runner stops")
    job_process.kill_left([child])
    return child.exit_code


def _environment(task: SetupTask, config: NodeConfig, root: str) -> dict[str, str]:
    env = job_base_environment(config, os.environ)
    env |= {"AZ_BATCHAI_MOUNT_ROOT": root, "AZ_BATCH_NODE_ID": config.node_id}
    expansion = Expansion(env)
    for variable in task.environment_variables:
        env[variable.name] = expansion.fill(variable.value, f"the environment variable {variable.name}")
    for secret in task.secrets:
        if secret.value is None:
            raise SetupTaskError(f"the secret {secret.name} of the setup task has no value yet")
        env[secret.name] = secret.value.get_secret_value()
    return env
