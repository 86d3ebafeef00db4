"""How long a job of a moment takes through the local stack: `python -m bench.latency 20`.

Drops no-op jobs one after the other (each after the end of the one before) and prints, per step, the median,
the worst, and the share of the whole. Steps are distinguished by the times in the job's own resource.
"""

import json
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient

from local.environment import RESOURCE_GROUP, SUBSCRIPTION
from local.layout import DataDirectory, StackState
from local.seed import lay_out
from local.stack import Stack

_JOBS = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft.BatchAI"
    "/workspaces/default/experiments/bench/jobs/"
)
_DOCUMENT = {
    "properties": {
        "nodeCount": 1,
        "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT",
        "customToolkitSettings": {"commandLine": "true"},
    }
}
_LIMIT_SECONDS = 60
_STEPS = ("drop -> accepted", "accepted -> claimed", "claimed -> ended")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(DataDirectory(Path(folder)), print)
        state = stack.start()
        try:
            lay_out(state, print)
            with BlobServiceClient.from_connection_string(state.storage) as blobs:
                _one(state, blobs, "warm-up")
                rows = [_one(state, blobs, f"j{number}") for number in range(count)]
        finally:
            stack.stop()
    total = statistics.median(sum(row) for row in rows)
    print(f"\n{count} jobs, one after the other; seconds\n{'step':<22}{'median':>8}{'worst':>8}{'share':>8}")
    for name, column in zip(_STEPS, zip(*rows, strict=True), strict=True):
        median = statistics.median(column)
        print(f"{name:<22}{median:8.2f}{max(column):8.2f}{median / total:8.0%}")


def _one(state: StackState, blobs: BlobServiceClient, name: str) -> tuple[float, float, float]:
    """Seconds of the three steps of one job."""
    dropped = time.time()
    drop(blobs, name, _DOCUMENT)
    while time.time() - dropped < _LIMIT_SECONDS:
        job = get_job(state, name)
        if job and job["properties"]["executionState"] in ("succeeded", "failed"):
            break
        time.sleep(0.1)
    else:
        raise SystemExit(f"job {name} did not end within {_LIMIT_SECONDS} s")
    properties = job["properties"]
    info = properties["executionInfo"]
    times = [properties["creationTime"], info["startTime"], info["endTime"]]
    accepted, claimed, ended = (datetime.fromisoformat(text).timestamp() for text in times)
    return accepted - dropped, claimed - accepted, ended - claimed


def drop(blobs: BlobServiceClient, name: str, document: dict[str, Any]) -> None:
    """Drop a job.json of the experiment `bench`."""
    path = f"default/bench/{name}/job.json"
    blobs.get_blob_client("jobs", path).upload_blob(json.dumps(document).encode(), overwrite=True)


def get_job(state: StackState, name: str) -> dict[str, Any] | None:
    """The resource of such a job; None while there is none."""
    url = f"{state.http}{_JOBS}{name}?api-version=2018-05-01"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            loaded: dict[str, Any] = json.load(answer)
            return loaded
    except urllib.error.HTTPError as error:
        error.close()
        return None


if __name__ == "__main__":
    main()
