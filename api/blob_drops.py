"""From a blob that appeared to the manager that judges it. Bad input is answered, never raised."""

import functools
import hashlib
import logging

from api import audit
from shared.backend import Backend
from shared.documents.http_copy import is_http_copy
from shared.errors import BatchAIError, Problem
from shared.managers.admission import Source
from shared.managers.drop_reconciler import Reconciler
from shared.names.ids import cluster_from_blob_path, job_from_blob_path
from shared.names.sweep_ids import SWEEP_FILE, sweep_arm_id, sweep_from_blob_path

log = logging.getLogger(__name__)

#: Names of dropped files, and what they ask for.
_KINDS = {"job.json": "job", SWEEP_FILE: "sweep", "cluster.json": "cluster"}


def take_job(backend: Backend, blob_name: str, data: bytes, etag: str = "") -> None:
    """A blob `<container>/<path>` was dropped in the jobs container. Other files than job.json are ignored
    (an event subscription without a filter delivers them, status.json included). Raises StoreError."""
    path = blob_name.partition("/")[2]
    if path.rpartition("/")[2] != "job.json" or _walks(path):
        return
    settings, source = backend.settings, _source(blob_name, data, etag)
    try:
        job = job_from_blob_path(
            path, settings.default_workspace, settings.default_experiment, settings.scope
        )
    except ValueError as error:
        resource, answer = "", backend.manager.refuse(source, _bad_path(error))
    else:
        resource = settings.scope.job(job)
        if is_http_copy(data, resource):
            backend.manager.acknowledge(job)
            return
        answer = backend.manager.submit(job, data, source)
    said, uuid = _said(answer.accepted), answer.job.uuid if answer.job else ""
    log.info("job document %s", said, extra={"action": "drop", "blob": blob_name})
    audit.dropped("job", blob_name, said, resource, str(answer.fault or ""), uuid)


def take_sweep(backend: Backend, blob_name: str, data: bytes, etag: str = "") -> None:
    """A sweep.json was dropped in the jobs container. Raises StoreError."""
    path = blob_name.partition("/")[2]
    if _walks(path):
        return
    settings, source = backend.settings, _source(blob_name, data, etag)
    try:
        sweep = sweep_from_blob_path(
            path, settings.default_workspace, settings.default_experiment, settings.scope
        )
    except ValueError as error:
        resource, answer = "", backend.sweeps.refuse(source, _bad_path(error))
    else:
        resource = sweep_arm_id(sweep, settings.scope)
        answer = backend.sweeps.submit(sweep, data, source)
    said = _said(answer.accepted)
    log.info("sweep document %s", said, extra={"action": "drop", "blob": blob_name})
    audit.dropped("sweep", blob_name, said, resource, answer.code)


def _said(accepted: bool) -> str:
    return audit.ACCEPTED if accepted else audit.REFUSED


def reconciler(backend: Backend) -> Reconciler:
    """What takes drops whose event came to nothing. One for a process: it remembers how far it has looked."""
    settings = backend.settings
    takes = {
        "job.json": (settings.jobs_container, functools.partial(take_job, backend)),
        SWEEP_FILE: (settings.jobs_container, functools.partial(take_sweep, backend)),
        "cluster.json": (settings.clusters_container, functools.partial(take_cluster, backend)),
    }
    return backend.reconciler(takes)


def take_cluster(backend: Backend, blob_name: str, data: bytes, etag: str = "") -> None:
    """A blob was dropped in the clusters container. Raises StoreError."""
    path = blob_name.partition("/")[2]
    if path.rpartition("/")[2] != "cluster.json" or _walks(path):
        return
    try:
        settings = backend.settings
        cluster = cluster_from_blob_path(path, settings.default_workspace, settings.scope)
    except ValueError as error:
        backend.cluster_manager.refuse(blob_name, _bad_path(error))
        audit.dropped("cluster", blob_name, audit.REFUSED)
        return
    resource = settings.scope.cluster(cluster)
    if not is_http_copy(data, resource):
        answer = backend.cluster_manager.accept(cluster, data, blob_name, etag)
        if answer.accepted or answer.problems:  # else it was overwritten meanwhile: the newer one is judged
            audit.dropped("cluster", blob_name, _said(answer.accepted), resource)


def _walks(path: str) -> bool:
    """Whether a blob's name holds . or .. folders: an answer beside it would land in another container."""
    walks = any(part in (".", "..") for part in path.split("/"))
    if walks:
        log.warning("a drop with . or .. in its path is left alone", extra={"action": "drop", "blob": path})
    return walks


def _bad_path(error: ValueError) -> tuple[Problem, ...]:
    return (Problem(0, 0, "$", f"the file is in the wrong place: {error}.", "Move it and drop it again."),)


def _source(blob_name: str, data: bytes, etag: str) -> Source:
    return Source(blob_name, etag.strip('"') or "sha256-" + hashlib.sha256(data).hexdigest())


def take(backend: Backend, blob_name: str, data: bytes, etag: str = "") -> None:
    """A blob `<container>/<path>` was dropped, whichever it is. Raises StoreError."""
    container = blob_name.partition("/")[0]
    if container == backend.settings.jobs_container and blob_name.endswith(f"/{SWEEP_FILE}"):
        take_sweep(backend, blob_name, data, etag)
    elif container == backend.settings.jobs_container:
        take_job(backend, blob_name, data, etag)
    elif container == backend.settings.clusters_container:
        take_cluster(backend, blob_name, data, etag)


def take_announced(backend: Backend, blob_name: str) -> None:
    """An event says that `<container>/<path>` was written: take what lies there now, if anything does.

    A second event for one version, or one that comes after the next version's, changes nothing: the version
    is known by its ETag. Raises StoreError.
    """
    if not _is_drop(backend, blob_name):
        return
    if found := backend.documents.read_dropped(blob_name):
        take(backend, blob_name, *found)


def take_given_up(backend: Backend, blob_name: str) -> None:
    """The host has given up a drop: try once more, and answer it as failed where that fails too. Raises
    StoreError where not even the answer can be written."""
    try:
        take_announced(backend, blob_name)
    except Exception as error:
        # Of foreign errors only the kind: their text may quote the document, secrets included.
        words = str(error) if isinstance(error, BatchAIError) else type(error).__name__
        # infra/alerts.json looks for the words.
        log.error("a drop fails: %s", words, extra={"action": "drop", "blob": blob_name})
        _refuse(backend, blob_name, _failed(error))
        audit.dropped(_KINDS[blob_name.rpartition("/")[2]], blob_name, audit.FAILED)


def _is_drop(backend: Backend, blob_name: str) -> bool:
    settings = backend.settings
    container, _, path = blob_name.partition("/")
    wanted = {
        settings.jobs_container: ("job.json", SWEEP_FILE),
        settings.clusters_container: ("cluster.json",),
    }
    return path.rpartition("/")[2] in wanted.get(container, ()) and not _walks(path)


def _refuse(backend: Backend, blob_name: str, problems: tuple[Problem, ...]) -> None:
    found = backend.documents.read_dropped(blob_name)
    if found is None:
        return  # nobody waits for an answer to a file that is gone
    if blob_name.endswith("/job.json"):
        backend.manager.refuse(_source(blob_name, *found), problems)
    elif blob_name.endswith(f"/{SWEEP_FILE}"):
        backend.sweeps.refuse(_source(blob_name, *found), problems)
    else:
        backend.cluster_manager.refuse(blob_name, problems)


def _failed(error: Exception) -> tuple[Problem, ...]:
    # The error's text may quote the document, secrets included.
    words = (
        f"the file could not be processed in five tries ({type(error).__name__}). The document may be right."
    )
    return (Problem(0, 0, "$", words, "Drop it again; if that fails too, show the operator this answer."),)
