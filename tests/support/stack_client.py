"""A user of a running stack: drops documents and reads what comes of them, through public clients only."""

import json
import urllib.error
import urllib.request
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.fileshare import ShareServiceClient

from local.environment import RESOURCE_GROUP, SUBSCRIPTION
from local.layout import StackState
from tests.support.waiting import eventually

ROOT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft.BatchAI/workspaces"
CLUSTER = {
    "properties": {
        "vmSize": "STANDARD_NC6",
        "userAccountSettings": {"adminUserName": "me", "adminUserPassword": "correct-horse"},
    }
}
SHARE_URL = "https://<AZURE_BATCHAI_STORAGE_ACCOUNT>.file.core.windows.net/"


def job(command: str, **more: Any) -> dict[str, Any]:
    """A job document that runs a shell command and logs to the share `logs`."""
    return {
        "properties": {
            "nodeCount": 1,
            "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs",
            "mountVolumes": {
                "azureFileShares": [{"azureFileUrl": f"{SHARE_URL}logs", "relativeMountPath": "logs"}]
            },
            "customToolkitSettings": {"commandLine": command},
            **more,
        }
    }


class StackClient:
    """Context manager around the SDK clients of one stack."""

    def __init__(self, state: StackState) -> None:
        self.state = state
        self._stack = ExitStack()

    def __enter__(self) -> "StackClient":
        enter = self._stack.enter_context
        self.blobs = enter(BlobServiceClient.from_connection_string(self.state.storage))
        self.shares = enter(ShareServiceClient.from_connection_string(self.state.files))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def share(self, name: str) -> None:
        """Make a share where it is missing."""
        if name not in {share.name for share in self.shares.list_shares()}:
            self.shares.create_share(name)

    def drop(self, container: str, path: str, document: dict[str, Any] | bytes) -> None:
        data = document if isinstance(document, bytes) else json.dumps(document, indent=2).encode()
        self.blobs.get_blob_client(container, path).upload_blob(data, overwrite=True)

    def drop_cluster(self, name: str = "default", document: dict[str, Any] | None = None) -> dict[str, Any]:
        """Drop a cluster.json and wait for its answer: an earlier one's bears another time."""
        folder = f"default/{name}"
        before = self.status("clusters", folder)
        self.drop("clusters", f"{folder}/cluster.json", document or CLUSTER)

        def answer() -> dict[str, Any] | None:
            status = self.status("clusters", folder)
            return None if status == before else status

        return eventually(answer, 20)

    def status(self, container: str, folder: str) -> dict[str, Any] | None:
        """status.json of a folder, None while there is none."""
        client = self.blobs.get_blob_client(container, f"{folder}/status.json")
        try:
            loaded: dict[str, Any] = json.loads(client.download_blob().readall())
        except ResourceNotFoundError:
            return None
        return loaded

    def await_state(self, folder: str, *states: str, seconds: float = 30) -> dict[str, Any]:
        """status.json of a job once its state is one of `states`."""

        def reached() -> dict[str, Any] | None:
            status = self.status("jobs", folder)
            if status and status["state"] not in states:
                raise AssertionError(f"state is {status['state']}: {json.dumps(status)[:2000]}")
            return status

        return eventually(reached, seconds)

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """HTTP status and body of a GET of an ARM path, with the api-version."""
        url = f"{self.state.http}{path}{'&' if '?' in path else '?'}api-version=2018-05-01"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def put(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """The body of the answer to a PUT of an ARM path, with the api-version."""
        return self._send("PUT", path, json.dumps(document).encode())

    def post(self, path: str) -> dict[str, Any]:
        """The body of the answer to a POST of an ARM path, with the api-version."""
        return self._send("POST", path, b"")

    def _send(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        url, headers = f"{self.state.http}{path}?api-version=2018-05-01", {"Content-Type": "application/json"}
        asked = urllib.request.Request(url, body, headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{method} {path}: {error.code} {error.read()[:2000]!r}") from None
        loaded: dict[str, Any] = json.loads(body) if body else {}
        return loaded

    def log(self, segment: str, name: str = "stdout.txt", share: str = "logs") -> bytes | None:
        """A log file as it is on the share at this moment; None while it is not there."""
        client = self.shares.get_share_client(share).get_file_client(f"{segment}/stdouterr/{name}")
        try:
            # Appending is two requests: between them the end of the file is zeros.
            return client.download_file().readall().rstrip(b"\0")
        except ResourceNotFoundError:
            return None
