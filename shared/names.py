"""Resource ids, ARM ids, blob paths, queue names and table keys, and the way from one to another. PURE."""

import hashlib
import re
from dataclasses import dataclass

#: Batch AI's rule (REST specification, every name parameter), in ASCII because queue names derive from it.
NAME_PATTERN = re.compile(r"^[A-Za-z0-9_-]{1,64}\Z")
#: REST specification, parameter resourceGroupName.
RESOURCE_GROUP_PATTERN = re.compile(r"^[A-Za-z0-9._-]{1,90}\Z")
PROVIDER = "Microsoft.BatchAI"
PRIORITIES = ("high", "normal", "low")


def priority_rank(priority: str) -> int:
    """0 for what goes first; a word that this version does not know goes last."""
    return PRIORITIES.index(priority) if priority in PRIORITIES else len(PRIORITIES)


NAME_RULE = "1 to 64 letters, digits, '-' or '_'"


@dataclass(frozen=True)
class ClusterId:
    """A cluster: a name inside a workspace."""

    workspace: str
    cluster: str

    def __str__(self) -> str:
        return f"{self.workspace}/{self.cluster}"


@dataclass(frozen=True)
class JobId:
    """A job: a name inside an experiment of a workspace. One JobId may see several runs (uuids)."""

    workspace: str
    experiment: str
    job: str

    def __str__(self) -> str:
        return f"{self.workspace}/{self.experiment}/{self.job}"


@dataclass(frozen=True)
class Scope:
    """The subscription and resource group that this installation stands for."""

    subscription_id: str
    resource_group: str

    @property
    def root(self) -> str:
        return f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"

    def workspace(self, workspace: str) -> str:
        """ARM id of a workspace."""
        return f"{self.root}/providers/{PROVIDER}/workspaces/{workspace}"

    def experiment(self, workspace: str, experiment: str) -> str:
        """ARM id of an experiment."""
        return f"{self.workspace(workspace)}/experiments/{experiment}"

    def job(self, job: JobId) -> str:
        """ARM id of a job."""
        return f"{self.experiment(job.workspace, job.experiment)}/jobs/{job.job}"

    def cluster(self, cluster: ClusterId) -> str:
        """ARM id of a cluster."""
        return f"{self.workspace(cluster.workspace)}/clusters/{cluster.cluster}"


def name_fault(kind: str, name: str) -> str | None:
    """What is wrong with a resource name, or None. `kind` is the word for it ("job", "workspace", ...)."""
    if NAME_PATTERN.match(name):
        return None
    if not name:
        return f"the {kind} name is empty; it must be {NAME_RULE}"
    return f"the {kind} name {printable(name)} is not allowed: it must be {NAME_RULE}"


def printable(text: str, limit: int = 80) -> str:
    """`text` quoted for a message: control characters escaped, cut at `limit` characters."""
    shown = text if len(text) <= limit else text[:limit] + "…"
    return "'" + shown.encode("unicode_escape").decode("ascii").replace("\\u2026", "…") + "'"


def cluster_from_arm_id(arm_id: str) -> ClusterId | None:
    """The cluster an ARM id names, or None where it is not the id of a Batch AI cluster."""
    match = re.fullmatch(
        r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.BatchAI"
        r"/workspaces/([^/]+)/clusters/([^/]+)/?",
        arm_id,
        re.IGNORECASE,
    )
    return ClusterId(match[1], match[2]) if match else None


def file_server_from_arm_id(arm_id: str) -> tuple[str, str] | None:
    """(workspace, name) of the Batch AI file server that an ARM id names, or None.

    The workspace is "" in ids of the API versions that had none.
    """
    match = re.fullmatch(
        r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.BatchAI"
        r"(?:/workspaces/([^/]+))?/fileServers/([^/]+)/?",
        arm_id,
        re.IGNORECASE,
    )
    return (match[1] or "", match[2]) if match else None


def job_from_blob_path(path: str, default_workspace: str, default_experiment: str) -> JobId:
    """The job that `<workspace>/<experiment>/<job>/job.json` (or a short form of it) names.

    Raises ValueError with a message for people.
    """
    parts = _folders(path, "job.json", 3, "<workspace>/<experiment>/<job>/job.json")
    workspace, experiment, job = ([default_workspace, default_experiment][: 3 - len(parts)]) + parts
    _refuse((("workspace", workspace), ("experiment", experiment), ("job", job)))
    return JobId(workspace, experiment, job)


def cluster_from_blob_path(path: str, default_workspace: str) -> ClusterId:
    """The cluster that `<workspace>/<cluster>/cluster.json` (or `<cluster>/cluster.json`) names.

    Raises ValueError with a message for people.
    """
    parts = _folders(path, "cluster.json", 2, "<workspace>/<cluster>/cluster.json")
    workspace, cluster = ([default_workspace][: 2 - len(parts)]) + parts
    _refuse((("workspace", workspace), ("cluster", cluster)))
    return ClusterId(workspace, cluster)


def _folders(path: str, leaf: str, most: int, form: str) -> list[str]:
    parts = path.split("/")
    if parts[-1] != leaf:
        raise ValueError(f"the file must be called {leaf}, in the form {form}")
    folders = parts[:-1]
    if not 1 <= len(folders) <= most:
        raise ValueError(f"the path has {len(folders)} folders; expected {form} or a shorter form of it")
    return folders


def _refuse(names: tuple[tuple[str, str], ...]) -> None:
    faults = [fault for kind, name in names if (fault := name_fault(kind, name))]
    if faults:
        raise ValueError("; ".join(faults))


def queue_name(cluster: ClusterId, priority: str) -> str:
    """The queue of a cluster and priority: 3 to 63 of [a-z0-9-], no double '-', unlike for unlike clusters.

    ARM names ignore case, so two spellings of one cluster give one queue.
    """
    digest = hashlib.sha256(str(cluster).lower().encode()).hexdigest()[:10]
    slug = re.sub(r"-+", "-", re.sub(r"[^a-z0-9]", "-", cluster.cluster.lower())).strip("-")[:40].strip("-")
    return "-".join(part for part in ("jobs", slug, digest, priority) if part)
