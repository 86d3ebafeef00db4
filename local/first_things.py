"""What a stack that is left running has from the start: the cluster `default` and a share for logs."""

import time
from collections.abc import Callable

from azure.storage.blob import BlobServiceClient
from azure.storage.fileshare import ShareServiceClient

from local.layout import StackState
from local.stack import APP

_CLUSTER = "default/default/cluster.json"
_ANSWER = "default/default/status.json"
_ANSWER_SECONDS = 30.0
_SHARE = "logs"


def lay_out(state: StackState, say: Callable[[str], None]) -> None:
    """Drop a cluster.json where none is, and make the share `logs`, as a user would: with the public SDKs."""
    with BlobServiceClient.from_connection_string(state.storage) as blobs:
        cluster = blobs.get_blob_client("clusters", _CLUSTER)
        if not cluster.exists():
            cluster.upload_blob((APP / "examples" / "hello" / "cluster.json").read_bytes())
            # A job that is dropped before the cluster is known would be refused.
            answer = blobs.get_blob_client("clusters", _ANSWER)
            deadline = time.monotonic() + _ANSWER_SECONDS
            while not answer.exists() and time.monotonic() < deadline:
                time.sleep(0.1)
            say(f"{'cluster default':<24} dropped clusters/{_CLUSTER}, answered in status.json")
    with ShareServiceClient.from_connection_string(state.files) as shares:
        if _SHARE not in {share.name for share in shares.list_shares()}:
            shares.create_share(_SHARE)
            say(f"{'share ' + _SHARE:<24} created")
