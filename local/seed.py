"""What a stack that is left running has from the start: the cluster `default` and a share for logs."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient
from azure.storage.fileshare import ShareServiceClient

from local.layout import StackState
from local.processes import StartError
from local.stack import APP

_CLUSTER = "default/default/cluster.json"
_ANSWER_SECONDS = 30.0
_SHARE = "logs"


def lay_out(state: StackState, say: Callable[[str], None]) -> None:
    """Drop a cluster.json where none is, and make the share `logs`, as a user would: with the public SDKs."""
    with BlobServiceClient.from_connection_string(state.storage) as blobs:
        if not blobs.get_blob_client("clusters", _CLUSTER).exists():
            drop_cluster(blobs, _CLUSTER, APP / "examples" / "hello" / "cluster.json")
            say(f"{'cluster default':<24} dropped clusters/{_CLUSTER}, answered in status.json")
    with ShareServiceClient.from_connection_string(state.files) as shares:
        if _SHARE not in {share.name for share in shares.list_shares()}:
            shares.create_share(_SHARE)
            say(f"{'share ' + _SHARE:<24} created")


def drop_cluster(blobs: BlobServiceClient, path: str, document: Path) -> None:
    """Drop a cluster.json and wait until it is accepted: a job for an unknown cluster would be refused.

    Raises StartError where it is refused or nobody answers.
    """
    blobs.get_blob_client("clusters", path).upload_blob(document.read_bytes(), overwrite=True)
    answer = blobs.get_blob_client("clusters", f"{path.rpartition('/')[0]}/status.json")
    deadline = time.monotonic() + _ANSWER_SECONDS
    while not answer.exists():
        if time.monotonic() > deadline:
            seconds = f"{_ANSWER_SECONDS:.0f} s"
            raise StartError(f"no answer to {path} within {seconds}: see functions.log (make status)")
        time.sleep(0.1)
    status: dict[str, Any] = json.loads(answer.download_blob().readall())
    if status["state"] != "accepted":
        raise StartError(f"{path} was refused: {json.dumps(status, indent=2)}")
