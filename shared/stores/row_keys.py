"""Row keys: what is listed together lies together. PURE.

One table holds a workspace's jobs in one partition, so that a job and its entries change in one transaction
(docs/adr/0001). Which entries a job has, shared/stores/job_entries.py says. Within it:

    job|<experiment>|<job>                             the latest run under a name, or where it lies
    live||<experiment>|<time, newest first>|<uuid>     a job that has not ended, whole
    live|<cluster workspace>|<cluster>|<time>|<uuid>   the same in the first layout, short, oldest first
    run|<experiment>|<job>|<time>|<uuid>               an earlier run
    time|<experiment>|<time, newest first>|<uuid>           the latest run again, by time
    state|<experiment>|<state>|<time, newest first>|<uuid>  and by the state it ended in; first layout: is in;
                                                            third layout: only if that is failed

Events that are to be sent lie in the partition too (shared/stores/outbox_rows.py).

The gangs of a cluster have a table and a partition of their own:

    gang|<priority>|<time>|<uuid>         a gang; the oldest of the highest priority sorts first
    member|<uuid>|<attempt>|<index>       a node of it

Names are lower case in keys, because ARM names ignore case; '|' occurs in no name and sorts after all. A
workspace of another resource group than the installation's own is <group>:<workspace>; ':' occurs in neither.
"""

from datetime import datetime

from shared.jobs.model import Job, State
from shared.names.ids import ClusterId, JobId, priority_rank

JOBS = "job|"
LIVE = "live|"
#: Live entries without the ones of the first layout: no workspace has an empty name.
LIVE_WHOLE = "live||"
_AFTER_BAR = "}"  # the character after '|'
_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def partition(workspace: str) -> str:
    """Partition of everything about the jobs of a workspace; how a workspace is written in every key."""
    return workspace.lower().replace("/", ":")


def job_row(job: JobId) -> str:
    return f"job|{job.experiment}|{job.job}".lower()


def live_row(job: Job) -> str:
    return f"{live_prefix(job.cluster)}{stamp(job.created)}|{job.uuid}"


def live_prefix(cluster: ClusterId) -> str:
    return f"live|{partition(cluster.workspace)}|{cluster.cluster}|".lower()


def whole_live_row(job: Job) -> str:
    """As `live_row`, in the second layout: the whole job, where its experiment's live jobs are listed."""
    return f"{whole_live_prefix(job.id.experiment)}{newest_first(job.created)}|{job.uuid}".lower()


def whole_live_prefix(experiment: str) -> str:
    return f"{LIVE_WHOLE}{experiment}|".lower()


def run_row(job: Job) -> str:
    return f"run|{job.id.experiment}|{job.id.job}|{stamp(job.created)}|{job.uuid}".lower()


def run_prefix(job: JobId) -> str:
    return f"{runs_prefix(job.experiment)}{job.job}|".lower()


def runs_prefix(experiment: str) -> str:
    return f"run|{experiment}|".lower()


def experiment_prefix(experiment: str) -> str:
    return f"job|{experiment}|".lower()


def time_row(job: Job) -> str:
    return f"{time_prefix(job.id.experiment)}{newest_first(job.created)}|{job.uuid}".lower()


def time_prefix(experiment: str) -> str:
    return f"time|{experiment}|".lower()


def live_of_time_row(key: str) -> str:
    """The key of the whole live entry of the job whose entry by time has `key`; of other keys one of none."""
    return LIVE_WHOLE + key.removeprefix("time|")


def state_row(job: Job, state: State) -> str:
    """Where the job's entry lies while it is in `state`."""
    return f"{state_prefix(job.id.experiment, state)}{newest_first(job.created)}|{job.uuid}".lower()


def state_prefix(experiment: str, state: State) -> str:
    return f"state|{experiment}|{state}|".lower()


def newest_first(moment: datetime) -> str:
    """A UTC time that sorts as text, later ones first."""
    return stamp(moment).lower().translate(_COMPLEMENT)


def after(prefix: str) -> str:
    """The end of the range of keys that begin with `prefix`, which ends in '|'."""
    return prefix[:-1] + _AFTER_BAR


def stamp(moment: datetime) -> str:
    """A UTC time that sorts as text, to the microsecond."""
    return moment.strftime("%Y%m%dT%H%M%S%f")


def gang_row(priority: str, created: datetime, uuid: str) -> str:
    return f"gang|{priority_rank(priority)}|{stamp(created)}|{uuid}"


def member_row(uuid: str, attempt: int, index: int) -> str:
    return f"{member_prefix(uuid)}{attempt:06d}|{index:04d}"


def member_prefix(uuid: str) -> str:
    return f"member|{uuid}|"


def cluster_partition(cluster: ClusterId) -> str:
    """Partition of a cluster's nodes, and of its gangs."""
    return f"{partition(cluster.workspace)}|{cluster.cluster}".lower()
