"""Output directories on an account whose key nobody gave, where the machine's identity does not answer.

The identity service of the machine is a stand-in that accepts connections and says nothing; all else is real.
"""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from tests.support.rest_api import RestApi, rest_api
from tests.support.waiting import eventually

#: More than the function app has threads.
MANY = 9


class SilentIdentity:
    """Counts those who ask and answers nobody."""

    def __init__(self) -> None:
        self.asked: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/msi/token"

    def _accept(self) -> None:
        try:
            while True:
                self.asked.append(self._server.accept()[0])
        except OSError:
            pass  # closed

    def close(self) -> None:
        self._server.close()
        for connection in self.asked:
            connection.close()


@pytest.fixture(scope="module")
def identity() -> Iterator[SilentIdentity]:
    made = SilentIdentity()
    yield made
    made.close()


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory, identity: SilentIdentity) -> Iterator[RestApi]:
    """A function app with two threads on a machine whose identity does not answer."""
    settings = {
        "IDENTITY_ENDPOINT": identity.url,
        "IDENTITY_HEADER": "x",
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        "PYTHON_THREADPOOL_THREAD_COUNT": "2",
    }
    with rest_api(tmp_path_factory.mktemp("lonely"), **settings) as running:
        yield running


def foreign_job(api: RestApi, workspace: str) -> str:
    share = {"azureFileUrl": "https://foreign.file.core.windows.net/logs", "relativeMountPath": "afs"}
    blobs = {"accountName": "alien", "containerName": "results", "relativeMountPath": "bfs"}
    return api.job(
        workspace,
        mountVolumes={"azureFileShares": [share], "azureBlobFileSystems": [blobs]},
        outputDirectories=[{"id": "BLOBS", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/bfs"}],
    )


def test_nobody_waits_for_an_identity_but_those_who_need_it(
    lonely: RestApi, identity: SilentIdentity
) -> None:
    workspace = lonely.workspace()
    job = foreign_job(lonely, workspace)

    def list_files() -> httpx.Response:
        return lonely.call("POST", f"{job}/listOutputFiles", outputdirectoryid="stdouterr")

    with ThreadPoolExecutor(MANY) as pool:
        waiting: list[Future[httpx.Response]] = [pool.submit(list_files) for _ in range(MANY)]
        eventually(lambda: identity.asked or any(future.done() for future in waiting), 30)
        assert lonely.must("GET", workspace)["name"]
        assert not any(future.done() for future in waiting), "a plain GET went first"
        answers = [future.result() for future in waiting]
    for answer in answers:
        assert answer.status_code == 400, answer.text
        error = answer.json()["error"]
        assert error["code"] == "StorageAccountNotAccessible"
        for words in ("share logs of storage account foreign", "accountKey", "Privileged Reader"):
            assert words in error["message"]
    assert len(identity.asked) == 1, "one question for all of them"
    blobs = lonely.call("POST", f"{job}/listOutputFiles", outputdirectoryid="BLOBS")
    assert "container results of storage account alien" in blobs.json()["error"]["message"]
    assert len(identity.asked) == 1, "what did not answer is not asked again at once"


def test_a_key_that_the_account_refuses(lonely: RestApi) -> None:
    workspace = lonely.workspace()
    document = lonely.document(workspace)
    document["properties"]["mountVolumes"]["azureFileShares"][0]["credentials"]["accountKey"] = "d3Jvbmc="
    job = f"{workspace}/experiments/experiment/jobs/wrong-key"
    assert lonely.call("PUT", job, document).status_code == 202
    answer = lonely.call("POST", f"{job}/listOutputFiles", outputdirectoryid="stdouterr")
    assert answer.status_code == 400, json.dumps(answer.json())
    message = answer.json()["error"]["message"]
    assert f"share logs of storage account {lonely.account} cannot be listed: it refuses the key" in message
