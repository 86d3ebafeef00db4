"""What the cluster's document asks of every node: its volumes mounted and its setup task run, once per runner
and again when a new cluster.json is in force."""

import logging
import threading
from contextlib import ExitStack

from runner import log_places, setup_task
from runner.config import RunnerConfig
from runner.mounts import mount_all
from runner.mounts.types import Volume
from runner.volumes import volumes_of
from shared.wiring import Backend

log = logging.getLogger(__name__)


class ClusterVolumes:
    """What is mounted under AZ_BATCHAI_MOUNT_ROOT."""

    def __init__(
        self,
        config: RunnerConfig,
        backend: Backend,
        stopping: threading.Event,
    ) -> None:
        """`stopping` interrupts a setup task."""
        self._stopping = stopping
        self._config = config
        self._settings = backend.settings
        self._clusters = backend.clusters
        self._find_server = backend.workspaces.file_server
        self._stack = ExitStack()
        self.revision = ""
        self.volumes: tuple[Volume, ...] = ()

    def follow(self) -> bool:
        """Bring the node to what the cluster's document says now: its volumes mounted, its setup task run.

        False while there is no such cluster. Raises MountError or SetupTaskError: then nothing of the new
        document is mounted. StoreError when storage fails.
        """
        row = self._clusters.fresh(self._config.cluster)
        if row is None:
            return False
        if row.revision == self.revision:
            return True
        setup = self._clusters.spec(row.revision).node_setup
        volumes = volumes_of(setup.mount_volumes, self._settings, self._find_server)
        self.close()
        context = log_places.mount_context(self._config, _say, lambda error: _say(str(error)))
        self._stack.enter_context(mount_all(volumes, self._config.root / "mounts", context))
        try:
            if setup.setup_task:
                _say("the setup task starts")
                setup_task.run(setup.setup_task, self._config, self._settings, row, volumes, self._stopping)
        except BaseException:
            self._stack.close()
            raise
        self.volumes, self.revision = volumes, row.revision
        return True

    def close(self) -> None:
        """Unmount everything. Raises UnmountError."""
        self.volumes, self.revision = (), ""
        self._stack.close()


def _say(text: str) -> None:
    log.info("%s", text, extra={"action": "cluster_volumes"})
