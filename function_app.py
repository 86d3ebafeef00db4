"""The doors of the function app: dropped documents, the sweeper's timer, and the HTTP blueprints."""

import logging
import os
import time
from collections.abc import Callable

import azure.functions as func

from api import (
    clusters,
    emulated_account,
    experiments,
    file_servers,
    health,
    job_files,
    jobs,
    nodes,
    provider,
    resource_groups,
    workspaces,
)
from api.wired import backend, reconciler
from shared import log_context

log = logging.getLogger(__name__)
log_context.set_up()

#: "EventGrid" in Azure (about a second), "LogsAndContainerScan" where no events are, as on a laptop.
_SOURCE = os.environ.get("BATCHAI_BLOB_SOURCE", "LogsAndContainerScan")
_LEVEL = func.AuthLevel[os.environ.get("BATCHAI_HTTP_AUTH", "function").upper()]

app = func.FunctionApp(http_auth_level=_LEVEL)
for part in (health, workspaces, experiments, jobs, job_files, clusters, nodes, file_servers, provider):
    app.register_functions(part.bp)
for beside in (resource_groups, emulated_account):
    app.register_functions(beside.bp)


@app.blob_trigger(
    arg_name="blob",
    path="jobs/{path}/job.json",
    connection="BATCHAI_STORAGE",
    source=func.BlobSource(_SOURCE),
)
def job_dropped(blob: func.InputStream) -> None:
    """A job.json appeared: accept it and queue the work, or say in status.json what is wrong."""
    from api.blob_drops import take_job

    data = blob.read()
    _patiently(lambda: take_job(backend(), str(blob.name), data, _etag(blob)))


@app.blob_trigger(
    arg_name="blob",
    path="clusters/{path}/cluster.json",
    connection="BATCHAI_STORAGE",
    source=func.BlobSource(_SOURCE),
)
def cluster_dropped(blob: func.InputStream) -> None:
    """A cluster.json appeared: create the cluster's queues and row, or say what is wrong."""
    from api.blob_drops import take_cluster

    data = blob.read()
    _patiently(lambda: take_cluster(backend(), str(blob.name), data, _etag(blob)))


@app.timer_trigger(arg_name="timer", schedule="%BATCHAI_SWEEP_SCHEDULE%")
def sweep(timer: func.TimerRequest) -> None:
    """Heal what a crash left behind, and answer drops that no trigger sees."""
    report = backend().sweeper.sweep()
    backend().cascade.resume()
    reconciler().turn()
    backend().near_misses.look()
    log.info("swept: %s", report, extra={"action": "sweep"})


def _patiently(act: Callable[[], None]) -> None:
    """Storage that is away for a minute costs a drop nothing."""
    from shared.managers.drop_reconciler import patiently

    patiently(act, time.sleep)


def _etag(blob: func.InputStream) -> str:
    properties = getattr(blob, "blob_properties", None) or {}
    return str(properties.get("ETag", ""))
