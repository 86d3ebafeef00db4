"""Where things are: on the node, on the volume, in the containers. PURE.

Sources: recorded conversations of the original service and its SDK tests (OUTPUT_DIRECTORIES_FOLDER_NAME =
"outputs", STDOUTERR_FOLDER_NAME = "stdouterr"); its prose forgot the literal "outputs" folder.
"""

import re
from dataclasses import dataclass
from uuid import UUID

from shared.names.ids import ClusterId, JobId, Scope, name_in

STDOUTERR_FOLDER = "stdouterr"
OUTPUTS_FOLDER = "outputs"
_INFIX = re.compile(r"\.attempt-(\d+)(?:\.part-(\d+))?", re.ASCII)
_RUN_FOLDER = re.compile(r"(?:^|/)jobs/[^/]+/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=/|$)")
#: The original's root on Ubuntu nodes; a runner may be given another (several runners on one machine must).
DEFAULT_NODE_ROOT = "/mnt/batch/tasks/shared/LS_root"


def mount_root(root: str) -> str:
    """Where the cluster's volumes are mounted on a node with this root: whatever job runs there."""
    return f"{root}/mounts"


def job_temp_root(root: str) -> str:
    """Where the temps of all jobs lie on a node with this root."""
    return f"{root}/jobs"


@dataclass(frozen=True)
class NodeLayout:
    """The folders of one job on one node. All absolute, no trailing slash."""

    root: str  #: the runner's own root, e.g. /mnt/batch/tasks/shared/LS_root
    job: JobId

    @property
    def mount_root(self) -> str:
        """AZ_BATCHAI_MOUNT_ROOT: the cluster's volumes."""
        return mount_root(self.root)

    @property
    def job_temp_root(self) -> str:
        """AZ_BATCHAI_JOB_TEMP_DIR: the temps of all jobs; wiped when a node starts a new job."""
        return job_temp_root(self.root)

    @property
    def job_temp(self) -> str:
        """AZ_BATCHAI_JOB_TEMP: this job's own temp, shared by preparation and job."""
        job = self.job
        return f"{self.job_temp_root}/{name_in(job.workspace)}/{job.experiment}/{job.job}"

    @property
    def job_mount_root(self) -> str:
        """AZ_BATCHAI_JOB_MOUNT_ROOT: the job's volumes; set even when there are none."""
        return f"{self.job_temp}/mounts"

    @property
    def shared_job_temp(self) -> str:
        """AZ_BATCHAI_SHARED_JOB_TEMP: shared between the nodes of the job."""
        return f"{self.job_temp}/shared"

    @property
    def working_directory(self) -> str:
        """Where the job's processes start."""
        return f"{self.job_temp}/wd"

    @property
    def temp(self) -> str:
        """The job's /tmp, or what TMPDIR names; emptied between jobs. Not below the job's own temp, whose
        path is too long for the sockets that programs make here."""
        return f"{self.root}/tmp"

    @property
    def var_temp(self) -> str:
        """The job's /var/tmp."""
        return f"{self.root}/var-tmp"

    @property
    def preemption_notice(self) -> str:
        """AZ_BATCHAI_PREEMPTION_NOTICE (ours): appears when the machine is about to be taken away."""
        return f"{self.job_temp}/preemption-notice.json"

    def metrics_file(self, process: str = "") -> str:
        """AZ_BATCHAI_METRICS_FILE (ours) of a process by the name of its log files; "": of every other."""
        return f"{self.job_temp}/metrics-{process}.jsonl" if process else f"{self.job_temp}/metrics.jsonl"

    @property
    def hostfile(self) -> str:
        """AZ_BATCHAI_MPI_HOST_FILE."""
        return f"{self.job_temp}/hostfile"


def path_segment(scope: Scope, job: JobId, uuid: str) -> str:
    """`jobOutputDirectoryPathSegment`: the folder of one run of a job, no slash at either end."""
    return (
        f"{scope.subscription_id}/{scope.group_of(job.workspace)}/workspaces/{name_in(job.workspace)}"
        f"/experiments/{job.experiment}/jobs/{job.job}/{uuid}"
    )


def runs_in(path: str) -> list[str]:
    """The uuids of the runs whose folders a path leads into: those that end as `path_segment` does."""
    return _RUN_FOLDER.findall(path)


def setup_task_segment(scope: Scope, cluster: ClusterId, revision: str) -> str:
    """`stdOutErrPathSuffix` of a cluster's setup task: the folder of its logs below their prefix, no slash at
    either end. Where the original had the cluster's uuid stands the revision of its document (32 hex digits),
    so that a new document has logs of its own."""
    return (
        f"{scope.subscription_id}/{scope.group_of(cluster.workspace)}/workspaces/{name_in(cluster.workspace)}"
        f"/clusters/{cluster.cluster}/{UUID(hex=revision)}"
    )


def setup_task_directory(prefix: str, segment: str) -> str:
    """Folder of a setup task's logs, stdout-<nodeId>.txt and stderr-<nodeId>.txt (SDK tests, recordings)."""
    return _join(prefix, segment)


def stdouterr_directory(prefix: str, segment: str) -> str:
    """Folder of stdout, stderr and execution.log under an (expanded or unexpanded) stdOutErrPathPrefix."""
    return _join(prefix, segment, STDOUTERR_FOLDER)


def output_directory(prefix: str, segment: str, suffix: str | None) -> str:
    """Folder of one outputDirectories entry under its pathPrefix."""
    return _join(prefix, segment, OUTPUTS_FOLDER, suffix or "")


def _join(*parts: str) -> str:
    head = parts[0].rstrip("/")
    return "/".join([head, *(p.strip("/") for p in parts[1:] if p.strip("/"))])


def attempt_name(name: str, attempt: int) -> str:
    """What an earlier attempt's file is called beside the new one: stdout.attempt-1.txt; "" for attempt 0."""
    if attempt < 1:
        return ""
    return _with_infix(name, f".attempt-{attempt}")


def part_name(name: str, attempt: int, part: int) -> str:
    """Where a log of an attempt continues once a container's blob is full, parts 2, 3, ...:
    stdout.attempt-1.part-2.txt. Named by its attempt, so that no later one finds it in its way."""
    return _with_infix(name, f".attempt-{attempt}.part-{part}")


def kept_as(name: str, found: str) -> tuple[int, int] | None:
    """(attempt, part) of a file that `attempt_name` (part 1) or `part_name` named after the log `name`; None
    for any other file."""
    stem, dot, suffix = name.rpartition(".")
    match = _INFIX.fullmatch(found.removeprefix(stem).removesuffix(dot + suffix))
    if match is None:
        return None
    attempt, part = int(match[1]), int(match[2] or 1)
    made = part_name(name, attempt, part) if match[2] else attempt_name(name, attempt)
    return (attempt, part) if made == found else None


def _with_infix(name: str, infix: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}{infix}{dot}{suffix}"
