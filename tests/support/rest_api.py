"""The real function app under the thin host, over an Azurite and an Azure Files emulator of its own.

No runner is started: a test that needs one plays it with the backend, on the same storage.
"""

import base64
import json
import os
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from azure.storage.blob import BlobServiceClient
from azure.storage.fileshare import ShareServiceClient

from local import azurite, processes
from local.azurite import Endpoints
from local.files.server import FilesServer
from shared.backend import Backend, backend, provision
from shared.jobs.model import Job, Outcome, Reason
from shared.managers.claims import Claim
from shared.names.ids import ClusterId, queue_name
from shared.settings_reader import settings_from
from tests.support.stores import Stores

PROJECT = Path(__file__).parents[2]
VERSION = "2018-05-01"
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/batchai"
ROOT = f"{GROUP}/providers/Microsoft.BatchAI/workspaces"
CLUSTER = {
    "properties": {
        "vmSize": "STANDARD_D1",
        "scaleSettings": {"manual": {"targetNodeCount": 1}},
        "userAccountSettings": {"adminUserName": "DemoUser", "adminUserSshPublicKey": "ssh-rsa AAAA"},
    }
}


@dataclass
class RestApi:
    """A client of the REST API, and the means to play a runner."""

    url: str
    http: httpx.Client
    backend: Backend
    blobs: BlobServiceClient
    shares: ShareServiceClient
    account: str
    key: str
    files_url: str
    shares_root: Path
    environment: dict[str, str]
    log: Path

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        """One request with the api-version. `body`: bytes, or what is sent as JSON."""
        params = {"api-version": VERSION} | query
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return self.http.request(method, self.url + path, params=params, content=content)

    def must(self, method: str, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
        """The body of a request that is answered with 200."""
        answer = self.call(method, path, body, **query)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        loaded: dict[str, Any] = answer.json()
        return loaded

    def follow(self, answer: httpx.Response) -> dict[str, Any]:
        """What the operation of a 202 says of itself now."""
        assert answer.status_code == 202, (answer.status_code, answer.text)
        loaded: dict[str, Any] = self.http.get(answer.headers["azure-asyncoperation"]).json()
        return loaded

    def workspace(self, root: str = ROOT, name: str = "") -> str:
        """A workspace with an experiment `experiment` and a cluster `cluster`; its path."""
        path = f"{root}/{name or f'w{uuid.uuid4().hex[:10]}'}"
        self.must("PUT", path, {"location": "northeurope"})
        self.must("PUT", f"{path}/experiments/experiment")
        assert self.follow(self.call("PUT", f"{path}/clusters/cluster", CLUSTER))["status"] == "Succeeded"
        return path

    def document(self, path: str, command: str = "true", **properties: Any) -> dict[str, Any]:
        """A job document for the cluster of the workspace at `path`, logging to a share."""
        share = {
            "accountName": self.account,
            "azureFileUrl": f"{self.files_url}/logs",
            "credentials": {"accountKey": self.key},
            "relativeMountPath": "afs",
        }
        least = {
            "cluster": {"id": f"{path}/clusters/cluster"},
            "nodeCount": 1,
            "customToolkitSettings": {"commandLine": command},
            "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/afs",
            "mountVolumes": {"azureFileShares": [share]},
        }
        return {"properties": least | properties}

    def job(self, path: str, name: str = "job", **properties: Any) -> str:
        """A new job; its path."""
        job = f"{path}/experiments/experiment/jobs/{name}"
        answer = self.call("PUT", job, self.document(path, **properties))
        assert answer.status_code == 202, answer.text
        return job

    @property
    def stores(self) -> Stores:
        return Stores(self.backend)

    def claim(self, path: str, owner: str = "node-0") -> Claim:
        """Take the next job of the cluster of a workspace, as a runner does."""
        group, workspace = path.split("/")[4], path.split("/")[-1]
        message = self.backend.settings.scope.workspace_in(group, workspace)
        cluster = ClusterId(message, "cluster")
        claim = self.backend.claims.next_job(queue_name(cluster, "normal"), owner)
        assert isinstance(claim, Claim)
        return claim

    def finish(self, claim: Claim, reason: Reason = Reason.SUCCEEDED, code: int | None = 0) -> Job:
        lease, job = self.backend.attempts.renew(claim.job, claim.lease)
        return self.backend.attempts.finish(job, lease, Outcome(reason, code))


@contextmanager
def rest_api(directory: Path, **changes: str) -> Iterator[RestApi]:
    """Everything started, and stopped at the end. `changes`: settings that differ from those of tests."""
    with ExitStack() as stack:
        blob_changes = directory / "blob-changes.jsonl"
        child, endpoints = azurite.start(directory / "azurite.log", changes=blob_changes)
        stack.callback(child.stop)
        files = stack.enter_context(FilesServer(directory / "shares"))
        environment = _environment(endpoints, files) | changes
        settings = settings_from(environment)
        provision(settings)
        log = directory / "host.log"
        host, url = _start_host(
            log, environment | {"AzureWebJobsStorage": endpoints.connection_string}, blob_changes
        )
        stack.callback(host.stop, 20)
        services = backend(settings)
        stack.callback(services.close)
        blobs = stack.enter_context(BlobServiceClient.from_connection_string(endpoints.connection_string))
        shares = stack.enter_context(
            ShareServiceClient.from_connection_string(files.connection_string, retry_total=0)
        )
        shares.create_share("logs")
        http = stack.enter_context(httpx.Client(timeout=30))
        yield RestApi(
            url=url,
            http=http,
            backend=services,
            blobs=blobs,
            shares=shares,
            account=endpoints.account,
            key=endpoints.key,
            files_url=files.url,
            shares_root=directory / "shares",
            environment=environment,
            log=log,
        )


def _environment(endpoints: Endpoints, files: FilesServer) -> dict[str, str]:
    urls = {"blob": endpoints.blob_endpoint, "file": files.url}
    return {
        "BATCHAI_STORAGE": endpoints.connection_string,
        "BATCHAI_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000000",
        "BATCHAI_RESOURCE_GROUP": "batchai",
        "BATCHAI_LOCATION": "northeurope",
        "BATCHAI_SEALING_KEYS": base64.b64encode(b"k" * 32).decode(),
        "BATCHAI_ENDPOINTS": json.dumps({endpoints.account: urls}),
        "BATCHAI_HTTP_AUTH": "anonymous",
        # Each looks at all that earlier tests have left alive: every 2 s that was most of their cost.
        "BATCHAI_SWEEP_SCHEDULE": "*/10 * * * * *",
        "PYTHON_THREADPOOL_THREAD_COUNT": "8",
    }


def _start_host(log: Path, environment: dict[str, str], blob_changes: Path) -> tuple[processes.Child, str]:
    command = [sys.executable, "-m", "local.host", "--app", str(PROJECT), "--port", "0"]
    # As the stack does: a look at one file is a hundredth of a listing.
    command += ["--blob-changes", str(blob_changes)]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BATCHAI", "AZURE_", "AzureWebJobs"))}
    child = processes.start("host", [*command, "--poll-seconds", "0.2"], log, kept | environment, PROJECT)
    child.wait_ready(lambda: "Ready:" in log.read_text(errors="replace"), 30)
    found = re.search(r"Ready: .* on (http\S+)", log.read_text())
    assert found
    return child, found[1].rstrip("/")
