"""What a stack that is left running has from the start: the cluster `default` and a share for logs."""

import json
import time
from collections.abc import Callable
from typing import Any

from azure.storage.blob import BlobServiceClient
from azure.storage.fileshare import ShareServiceClient

from local.layout import StackState
from local.processes import StartError
from local.stack import APP

_CLUSTER = "default/default/cluster.json"
_ANSWER_SECONDS = 30.0
_SHARE = "logs"


def lay_out(state: StackState, say: Callable[[str], None], most: int = 1) -> None:
    """Drop a cluster.json of at most `most` nodes where none is, and make the share `logs`, as a user would:
    with the public SDKs. A cluster.json that somebody else has written stays."""
    with BlobServiceClient.from_connection_string(state.storage) as blobs:
        there = _read(blobs, _CLUSTER)
        wanted = default_cluster(most if state.arm else None)
        if there is None or (there != wanted and _is_ours(there)):
            drop_cluster(blobs, _CLUSTER, wanted)
            say(f"{'cluster default':<24} dropped clusters/{_CLUSTER}, answered in status.json")
    with ShareServiceClient.from_connection_string(state.files) as shares:
        if _SHARE not in {share.name for share in shares.list_shares()}:
            shares.create_share(_SHARE)
            say(f"{'share ' + _SHARE:<24} created")


def default_cluster(most: int | None) -> bytes:
    """The document of the cluster `default`: `most` nodes at once, with the jobs; None: as many as join."""
    plain = (APP / "examples" / "hello" / "cluster.json").read_bytes()
    if most is None:
        return plain
    document = json.loads(plain)
    scale = {"autoScale": {"minimumNodeCount": 0, "maximumNodeCount": most}}
    document["properties"]["scaleSettings"] = scale
    return json.dumps(document, indent=4).encode()


def _read(blobs: BlobServiceClient, path: str) -> bytes | None:
    client = blobs.get_blob_client("clusters", path)
    return client.download_blob().readall() if client.exists() else None


def _is_ours(document: bytes) -> bool:
    """Whether an earlier stack dropped it, for another number of nodes."""
    try:
        scale = json.loads(document)["properties"].get("scaleSettings")
        most = scale["autoScale"]["maximumNodeCount"] if scale else None
        return document == default_cluster(most)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def drop_cluster(blobs: BlobServiceClient, path: str, document: bytes) -> None:
    """Drop a cluster.json and wait until it is accepted: a job for an unknown cluster would be refused.

    Raises StartError where it is refused or nobody answers.
    """
    blobs.get_blob_client("clusters", path).upload_blob(document, overwrite=True)
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
