"""What a node lends to the attempts on it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from runner.isolation.node_config import NodeConfig
from runner.logs.log_writers import Writers
from runner.machine.gpu_readings import GpuReadings
from runner.machine.gpu_share import NO_GPUS, GpuShare
from runner.mounts.from_document import FindServer
from runner.mounts.types import Volume
from runner.secrets.redaction import KnownSecrets
from shared.documents.models.cluster import IdleGpus
from shared.jobs.events import JobEvent
from shared.jobs.model import Job
from shared.settings import Settings
from shared.stores.connection import CallCounter
from shared.stores.secrets.key_vaults import Vaults


@dataclass(frozen=True)
class AttemptHost:
    """The same for each attempt of a job; the cluster's volumes as they are now."""

    config: NodeConfig
    settings: Settings
    find_server: FindServer
    cluster_volumes: tuple[Volume, ...] = ()
    vaults: Vaults = field(default_factory=Vaults)
    known: KnownSecrets = field(default_factory=KnownSecrets)
    counter: CallCounter | None = None
    share: GpuShare = NO_GPUS
    #: waits until the cluster's volumes hold what was written there; says what it waits for; what they lack
    settle_cluster: Callable[[Callable[[str], None]], tuple[str, ...]] = lambda say: ()
    writers: Writers | None = None  #: of log files on the node; None: each attempt has its own
    #: of a job on a node of this name: when the node came up, where the job waited for it
    node_events: Callable[[Job, str], tuple[JobEvent, ...]] = lambda job, node_id: ()
    gpu_readings: GpuReadings = field(default_factory=lambda: GpuReadings(()))  #: of `share`
    idle_gpus: IdleGpus | None = None  #: the cluster's
