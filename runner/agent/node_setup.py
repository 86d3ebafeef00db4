"""What the cluster's document asks of every node: its volumes mounted and its setup task run, once per runner
and again when a new cluster.json is in force."""

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from runner.agent import setup_task
from runner.isolation.node_config import NodeConfig
from runner.logs import routing
from runner.mounts.from_document import volumes_of
from runner.mounts.mount import mount_all
from runner.mounts.types import MountedVolume, UnmountError, Volume
from runner.secrets.key_vault import opened
from runner.secrets.redaction import KnownSecrets
from shared.backend import Backend
from shared.documents.models.cluster import IdleGpus
from shared.documents.secret_references import secret_values
from shared.documents.spec import NodeSetup
from shared.environment.layout import mount_root
from shared.errors import MountError
from shared.stores.secrets.key_vaults import Vaults

log = logging.getLogger(__name__)


class ClusterVolumes:
    """What is mounted under AZ_BATCHAI_MOUNT_ROOT."""

    def __init__(
        self,
        config: NodeConfig,
        backend: Backend,
        stopping: threading.Event,
        vaults: Vaults,
        known: KnownSecrets,
    ) -> None:
        """`stopping` interrupts a setup task. The document's secrets are made known to `known`."""
        self._vaults = vaults
        self._known = known
        self._stopping = stopping
        self._config = config
        self._settings = backend.settings
        self._clusters = backend.clusters
        self._find_server = backend.workspaces.file_server
        self._stack = ExitStack()
        self._mounted: tuple[MountedVolume, ...] = ()
        self._set_up = ""  #: the revision whose setup task has been run
        self.revision = ""
        self.volumes: tuple[Volume, ...] = ()
        self.idle_gpus: IdleGpus | None = None

    def follow(self) -> bool:
        """Bring the node to what the cluster's document says now: its volumes mounted, its setup task run.

        False while there is no such cluster. Raises MountError, SecretError or SetupTaskError: then nothing
        of the new document is mounted. StoreError when storage or a Key Vault fails.
        """
        row = self._clusters.fresh(self._config.cluster)
        if row is None:
            return False
        if row.revision == self.revision:
            return True
        setup = self._setup(row.revision)
        volumes = volumes_of(setup.mount_volumes, self._settings, self._find_server)
        self.close()
        context = routing.mount_context(self._config, _say, lambda error: _say(str(error)))
        self._mounted = self._stack.enter_context(
            mount_all(volumes, Path(mount_root(str(self._config.root))), context)
        )
        try:
            if setup.setup_task and self._set_up != row.revision:
                _say("the setup task starts")
                setup_task.run(setup.setup_task, self._config, self._settings, row, volumes, self._stopping)
        except BaseException:
            self.close()
            raise
        self._set_up = row.revision
        self.volumes, self.revision = volumes, row.revision
        return True

    def settle(self, say: Callable[[str], None]) -> tuple[str, ...]:
        """Wait (bounded) until what a job has written has reached the volumes; what has not, in words.
        `say` is called with what is waited for.

        Where it has not, every volume is undone, for then its driver does what it can for what is left (a
        second try, a dead program's cache); the next job's `follow` mounts them anew.
        """
        try:
            for mounted in self._mounted:
                mounted.settle(say)
        except (MountError, OSError) as error:
            say(f"the cluster's volumes are undone: {error}")
            try:
                self.close()
            except UnmountError as undone:
                return (str(undone),)
        return ()

    def _setup(self, revision: str) -> NodeSetup:
        """What the document asks of a node, secrets opened."""
        spec = self._clusters.spec(revision)
        self.idle_gpus = spec.idle_gpus
        # Nobody here counts performance: their key is not asked for.
        setup = spec.node_setup.model_copy(update={"performance_counters_settings": None})
        setup = opened(setup, self._vaults, ("properties", "nodeSetup"))
        self._known.know("cluster", secret_values(spec) | secret_values(setup))
        return setup

    def close(self) -> None:
        """Unmount everything. Raises UnmountError."""
        self.volumes, self.revision, self._mounted = (), "", ()
        self._stack.close()


def _say(text: str) -> None:
    log.info("%s", text, extra={"action": "cluster_volumes"})
