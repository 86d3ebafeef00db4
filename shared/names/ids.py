"""Resource ids, ARM ids, blob paths, queue names and table keys, and the way from one to another. PURE.

A workspace lies in a resource group. One of the installation's own group is named by its name, one of another
group by `<resource group>/<name>`: that is what `workspace` means in ids, rows, messages and blob paths
(docs/adr/0097). Rows and messages that are older than this know the own group only, and mean it.
"""

import hashlib
import re
from dataclasses import dataclass

#: Batch AI's rule (REST specification, every name parameter), in ASCII because queue names derive from it.
NAME_PATTERN = re.compile(r"^[A-Za-z0-9_-]{1,64}\Z")
#: REST specification, parameter resourceGroupName; Azure lets none end in a dot.
RESOURCE_GROUP_PATTERN = re.compile(r"^[A-Za-z0-9._-]{0,89}[A-Za-z0-9_-]\Z")
RESOURCE_GROUP_RULE = "1 to 90 letters, digits, '.', '-' or '_', no '.' at its end"
PROVIDER = "Microsoft.BatchAI"
#: The one version of the REST API that is served, asked for and linked to.
API_VERSION = "2018-05-01"
PRIORITIES = ("high", "normal", "low")


def priority_rank(priority: str) -> int:
    """0 for what comes first; a word that this version does not know comes last."""
    return PRIORITIES.index(priority) if priority in PRIORITIES else len(PRIORITIES)


NAME_RULE = "1 to 64 letters, digits, '-' or '_'"


def group_in(workspace: str) -> str:
    """The resource group that a workspace is named with, "" for the installation's own."""
    return workspace.rpartition("/")[0]


def name_in(workspace: str) -> str:
    """The name of a workspace alone."""
    return workspace.rpartition("/")[2]


@dataclass(frozen=True)
class ClusterId:
    """A cluster: a name inside a workspace (`workspace` as above, so in JobId)."""

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
    """The subscription that this installation stands for, and its own resource group."""

    subscription_id: str
    resource_group: str
    any_group: bool = True  #: whether other resource groups are served too

    @property
    def root(self) -> str:
        return self._root(self.resource_group)

    def _root(self, group: str) -> str:
        return f"/subscriptions/{self.subscription_id}/resourceGroups/{group}"

    def serves(self, group: str) -> bool:
        """Whether a resource group is one of this installation's."""
        return self.any_group or group.lower() == self.resource_group.lower()

    def workspace_in(self, group: str, name: str) -> str:
        """How the workspace `name` of a resource group is written."""
        return name if group.lower() == self.resource_group.lower() else f"{group}/{name}"

    def group_of(self, workspace: str) -> str:
        """The resource group of a workspace."""
        return group_in(workspace) or self.resource_group

    def workspace(self, workspace: str) -> str:
        """ARM id of a workspace."""
        root = self._root(self.group_of(workspace))
        return f"{root}/providers/{PROVIDER}/workspaces/{name_in(workspace)}"

    def referred(self, subscription: str, group: str, name: str, home: str) -> str:
        """The workspace that an ARM id in a document means; `home`: where the document belongs.

        Ids of another subscription are from before this installation, whose workspaces lie in groups of its
        own: their group says nothing. So it is where only one group is served.
        """
        ours = subscription.lower() == self.subscription_id.lower()
        if self.any_group and ours:
            return self.workspace_in(group, name)
        return f"{group_in(home)}/{name}" if group_in(home) else name

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


_OF_PROVIDER = r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\.BatchAI"
_CLUSTER_ID = re.compile(_OF_PROVIDER + r"/workspaces/([^/]+)/clusters/([^/]+)/?", re.IGNORECASE)
_FILE_SERVER_ID = re.compile(_OF_PROVIDER + r"(?:/workspaces/([^/]+))?/fileServers/([^/]+)/?", re.IGNORECASE)


def cluster_from_arm_id(arm_id: str, scope: Scope | None = None, home: str = "") -> ClusterId | None:
    """The cluster an ARM id names, or None where it is not the id of a Batch AI cluster. `scope` and `home`
    as for Scope.referred; without a scope the resource group says nothing."""
    match = _CLUSTER_ID.fullmatch(arm_id)
    if match is None:
        return None
    workspace = scope.referred(match[1], match[2], match[3], home) if scope else match[3]
    # A part of a blob's path must lead nowhere else.
    return (
        None if group_in(workspace) and group_fault(group_in(workspace)) else ClusterId(workspace, match[4])
    )


def is_file_server_id(text: str) -> bool:
    """Whether it is the ARM id of a Batch AI file server; otherwise a document names a host."""
    return _FILE_SERVER_ID.fullmatch(text) is not None


def file_server_from_arm_id(arm_id: str, scope: Scope) -> tuple[str, str] | None:
    """(workspace, name) of the Batch AI file server that an ARM id names, or None.

    The workspace is "" in ids of the API versions that had none.
    """
    match = _FILE_SERVER_ID.fullmatch(arm_id)
    if match is None:
        return None
    workspace = scope.referred(match[1], match[2], match[3], "") if match[3] else ""
    return workspace, match[4]


def job_from_blob_path(path: str, default_workspace: str, default_experiment: str, scope: Scope) -> JobId:
    """The job that `<workspace>/<experiment>/<job>/job.json` (or a short form of it) names; a resource group
    may stand before it.

    Raises ValueError with a message for people.
    """
    group, parts = _folders(path, "job.json", 3, "<workspace>/<experiment>/<job>/job.json", scope)
    workspace, experiment, job = ([default_workspace, default_experiment][: 3 - len(parts)]) + parts
    _refuse((("workspace", workspace), ("experiment", experiment), ("job", job)))
    return JobId(scope.workspace_in(group, workspace), experiment, job)


def cluster_from_blob_path(path: str, default_workspace: str, scope: Scope) -> ClusterId:
    """The cluster that `<workspace>/<cluster>/cluster.json` (or `<cluster>/cluster.json`) names; a resource
    group may stand before it.

    Raises ValueError with a message for people.
    """
    group, parts = _folders(path, "cluster.json", 2, "<workspace>/<cluster>/cluster.json", scope)
    workspace, cluster = ([default_workspace][: 2 - len(parts)]) + parts
    _refuse((("workspace", workspace), ("cluster", cluster)))
    return ClusterId(scope.workspace_in(group, workspace), cluster)


def cluster_from_text(text: str, default_workspace: str, scope: Scope) -> ClusterId:
    """The cluster that a person names: `<cluster>`, `<workspace>/<cluster>`, with the resource group before
    them where it is not the installation's own. Raises ValueError with a message for people."""
    *before, name = text.split("/")
    workspace = before.pop() if before else default_workspace
    group = before.pop() if before else scope.resource_group
    if before:
        raise ValueError(f"{printable(text)} is not a cluster; expected <workspace>/<cluster> or <cluster>")
    _refuse_group(group, scope)
    _refuse((("workspace", workspace), ("cluster", name)))
    return ClusterId(scope.workspace_in(group, workspace), name)


def _folders(path: str, leaf: str, most: int, form: str, scope: Scope) -> tuple[str, list[str]]:
    """The resource group and the folders below it that are named in a path."""
    parts = path.split("/")
    if parts[-1] != leaf:
        raise ValueError(f"the file must be called {leaf}, in the form {form}")
    folders = parts[:-1]
    group = folders.pop(0) if scope.any_group and len(folders) == most + 1 else scope.resource_group
    if not 1 <= len(folders) <= most:
        message = f"the path has {len(parts) - 1} folders; expected {form} or a shorter form of it"
        raise ValueError(f"{message}, or <resource group>/{form}" if scope.any_group else message)
    _refuse_group(group, scope)
    return group, folders


def group_fault(group: str) -> str | None:
    """What is wrong with the name of a resource group, or None."""
    if RESOURCE_GROUP_PATTERN.match(group):
        return None
    return f"the resource group name {printable(group)} is not allowed: it must be {RESOURCE_GROUP_RULE}"


def _refuse_group(group: str, scope: Scope) -> None:
    if fault := group_fault(group):
        raise ValueError(fault)
    if not scope.serves(group):
        raise ValueError(f"this installation serves the resource group {scope.resource_group} only")


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
