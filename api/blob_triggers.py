"""Drops by the blob trigger: found by listing the containers (a laptop), or announced by Event Grid's
webhook."""

import time

import azure.functions as func

from api.wired import backend


def blueprint(source: str) -> func.Blueprint:
    """The three functions, for the source "LogsAndContainerScan" or "EventGrid"."""
    bp = func.Blueprint()
    source_of_drops = func.BlobSource(source)

    @bp.blob_trigger(
        arg_name="blob", path="jobs/{path}/job.json", connection="BATCHAI_STORAGE", source=source_of_drops
    )
    def job_dropped(blob: func.InputStream) -> None:
        """A job.json appeared: accept it and queue the work, or say in status.json what is wrong."""
        _take(blob)

    @bp.blob_trigger(
        arg_name="blob", path="jobs/{path}/sweep.json", connection="BATCHAI_STORAGE", source=source_of_drops
    )
    def sweep_dropped(blob: func.InputStream) -> None:
        """A sweep.json appeared: accept it and have its runs made, or say in status.json what is wrong."""
        _take(blob)

    @bp.blob_trigger(
        arg_name="blob",
        path="clusters/{path}/cluster.json",
        connection="BATCHAI_STORAGE",
        source=source_of_drops,
    )
    def cluster_dropped(blob: func.InputStream) -> None:
        """A cluster.json appeared: create the cluster's queues and row, or say what is wrong."""
        _take(blob)

    return bp


def _take(blob: func.InputStream) -> None:
    """Storage that is away for a minute costs a drop nothing."""
    from api.blob_drops import take
    from shared.managers.drop_reconciler import patiently

    data = blob.read()
    properties = getattr(blob, "blob_properties", None) or {}
    etag = str(properties.get("ETag", ""))
    patiently(lambda: take(backend(), str(blob.name), data, etag), time.sleep)
