"""The volumes of the cluster: mounted once per runner, again when a new cluster.json is in force."""

import logging
from contextlib import ExitStack

from runner import log_places
from runner.config import RunnerConfig
from runner.mounts import mount_all
from runner.mounts.types import Volume
from runner.volumes import volumes_of
from shared.clusters import ClusterManager
from shared.settings import Settings

log = logging.getLogger(__name__)


class ClusterVolumes:
    """What is mounted under AZ_BATCHAI_MOUNT_ROOT."""

    def __init__(self, config: RunnerConfig, settings: Settings, clusters: ClusterManager) -> None:
        self._config = config
        self._settings = settings
        self._clusters = clusters
        self._stack = ExitStack()
        self.revision = ""
        self.volumes: tuple[Volume, ...] = ()

    def follow(self) -> bool:
        """Bring the mounts to what the cluster's document says now; False while there is no such cluster.

        Raises MountError: then nothing of the new document is mounted. StoreError when storage fails.
        """
        row = self._clusters.fresh(self._config.cluster)
        if row is None:
            return False
        if row.revision == self.revision:
            return True
        spec = self._clusters.spec(row.revision)
        volumes = volumes_of(spec.node_setup.mount_volumes if spec.node_setup else None, self._settings)
        self.close()
        context = log_places.mount_context(self._config, _say, lambda error: _say(str(error)))
        self._stack.enter_context(mount_all(volumes, self._config.root / "mounts", context))
        self.volumes, self.revision = volumes, row.revision
        return True

    def close(self) -> None:
        """Unmount everything. Raises UnmountError."""
        self.volumes, self.revision = (), ""
        self._stack.close()


def _say(text: str) -> None:
    log.info("%s", text, extra={"action": "cluster_volumes"})
