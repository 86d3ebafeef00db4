"""The words of isolation: whose a job is, what it may use."""

from dataclasses import dataclass, field

from runner.isolation.job_user import JobUser, own
from runner.isolation.metadata_firewall import MetadataFirewall
from runner.limits import NO_LIMITS, Limits


@dataclass(frozen=True)
class Isolation:
    """How the jobs of one runner are kept apart from their machine."""

    user: JobUser = field(default_factory=own)
    slot: int | None = None  #: the number of the user, where each runner of this machine has one of its own
    label: str = ""  #: of what belongs to this runner on the machine; the same after a restart
    limits: Limits = NO_LIMITS
    private_temp: bool = False  #: a job has a /tmp, /var/tmp and /dev/shm of its own
    private_ipc: bool = False  #: and System V memory, queues and semaphores, and POSIX queues
    firewall: MetadataFirewall | None = None  #: to the machine's identity, closed; None: it is open
    fault: str = ""  #: why this machine must take no job, or ""


NOT_ISOLATED = Isolation()  #: the runner's own user, no limits
