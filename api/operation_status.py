"""How a long-running operation stands, given by the state of its resource."""

from api.resources.operations import Operation, Progress, Verb
from shared.backend import Backend
from shared.errors import NotFoundError
from shared.jobs.model import Job
from shared.names.ids import ClusterId, JobId
from shared.stores.workspace_table import Kind, Row

#: What is said of a file server behind which there is no machine.
NO_SERVER = (
    "FileServerNotProvisioned",
    "No machine is made for a file server here. Run an NFS server of your own and give its address: "
    'PUT it with properties.mountSettings {"fileServerInternalIP": "<host>", "mountPoint": "<directory>"}, '
    "or name the host in fileServer.id of the volume.",
)


def follow(backend: Backend, operation: Operation) -> Progress:
    """How `operation` stands; a deletion is carried on as well. Raises NotFoundError, StoreError."""
    if operation.kind not in set(Kind):
        raise NotFoundError(f"There is no operation {operation.guid}", "OperationNotFound")
    if operation.kind == Kind.JOB:
        return _follow_job(backend, operation)
    if operation.verb is Verb.DELETE:
        return _follow_deletion(backend, operation)
    if operation.kind == Kind.FILE_SERVER:
        row = backend.workspaces.find(Kind.FILE_SERVER, operation.workspace, operation.name)
        if row and "mountSettings" not in row.detail:
            return Progress(operation.started, NO_SERVER)
    # Everything else was done before the request was answered.
    return Progress(operation.started)


def _follow_job(backend: Backend, operation: Operation) -> Progress:
    name = JobId(operation.workspace, operation.experiment, operation.name)
    job: Job | None = backend.manager.find(name)
    if operation.verb is Verb.CREATE:
        return Progress(operation.started)
    if job is None or job.uuid != operation.identity:
        return Progress(backend.manager.now())
    if operation.verb is Verb.TERMINATE:
        return Progress(None if job.state.live else job.ended or job.state_since)
    if not job.state.live:
        backend.manager.delete(name)
        return Progress(backend.manager.now())
    return Progress(None)


def _follow_deletion(backend: Backend, operation: Operation) -> Progress:
    kind = Kind(operation.kind)
    if not _still_there(backend, kind, operation):
        return Progress(backend.manager.now())
    backend.cascading_deletion.carry_on(kind, operation.workspace, operation.name)
    return Progress(None if _still_there(backend, kind, operation) else backend.manager.now())


def _still_there(backend: Backend, kind: Kind, operation: Operation) -> bool:
    if kind is Kind.CLUSTER:
        cluster = backend.clusters.fresh(ClusterId(operation.workspace, operation.name))
        return cluster is not None and cluster.identity == operation.identity
    row: Row | None = backend.workspaces.find(kind, operation.workspace, operation.name)
    return row is not None and row.identity == operation.identity
