"""The whole pipeline by managed identities: run by test_tokens.py inside token_account.sh. Prints JSON.

    python -m tests.support.token_pipeline WORK PYTHON FOLDER

Three parties, each with an identity of its own: the functions host with the app in it, a runner (PYTHON is
the interpreter of an environment that it is installed in, FOLDER its working directory), and somebody who
drops files, puts Event Grid's messages about them into the queue `drops`, and reads what comes of them.
"""

import base64
import json
import sys
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import TableServiceClient
from azure.identity import ManagedIdentityCredential
from azure.storage.blob import BlobClient, BlobServiceClient, generate_account_sas, generate_blob_sas
from azure.storage.fileshare import ShareServiceClient
from azure.storage.queue import QueueServiceClient

from local import environment, processes
from local.azurite import ACCOUNT, KEY
from shared.stores.connection import error_code
from tests.support.stack_client import CLUSTER, ROOT
from tests.support.waiting import eventually

PROJECT = Path(__file__).parents[2]
WORK = Path(sys.argv[1])
APP, RUNNER, PERSON = (digit * 8 + "-9999-9999-9999-999999999999" for digit in "123")
PORTS = {"blob": 10000, "queue": 10001, "table": 10002, "file": 10003}
URLS = {service: f"https://127.0.0.1:{port}/{ACCOUNT}" for service, port in PORTS.items()}
HTTP_PORT = 7071
STORAGE = {f"BATCHAI_STORAGE__{service}ServiceUri": url for service, url in URLS.items()} | {
    "BATCHAI_STORAGE__credential": "managedidentity",
    "BATCHAI_SEALING_KEYS": base64.b64encode(b"k" * 32).decode(),
}
#: As infra/modules/app.bicep sets them.
APP_SETTINGS = STORAGE | {
    "BATCHAI_STORAGE__clientId": APP,
    "AzureWebJobsStorage__blobServiceUri": URLS["blob"],
    "AzureWebJobsStorage__queueServiceUri": URLS["queue"],
    "AzureWebJobsStorage__credential": "managedidentity",
    "AzureWebJobsStorage__clientId": APP,
    "BATCHAI_BLOB_SOURCE": "Queue",
    "BATCHAI_SWEEP_SCHEDULE": "*/5 * * * * *",
    "BATCHAI_SUBSCRIPTION_ID": environment.SUBSCRIPTION,
    "BATCHAI_RESOURCE_GROUP": environment.RESOURCE_GROUP,
}
RUNNER_SETTINGS = STORAGE | {
    "BATCHAI_STORAGE__clientId": RUNNER,
    "BATCHAI_NODE_ROOT": str(WORK / "node"),
    "BATCHAI_JOB_USER": "own",
    "BATCHAI_JOB_METADATA": "open",
}
JOB_PATH = f"{ROOT}/default/experiments/exp/jobs/tokens"
JOB = {
    "properties": {
        "nodeCount": 1,
        "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs",
        "mountVolumes": {
            "azureFileShares": [{"azureFileUrl": f"{URLS['file']}/logs", "relativeMountPath": "logs"}],
            "azureBlobFileSystems": [
                {"accountName": ACCOUNT, "containerName": "data", "relativeMountPath": "data"}
            ],
        },
        "outputDirectories": [{"id": "MODEL", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/data"}],
        "customToolkitSettings": {
            "commandLine": "echo by token; echo model > $AZ_BATCHAI_OUTPUT_MODEL/m.txt"
        },
    }
}


class Person:
    """Whoever uses the installation: blobs by a token of their own, the rest over HTTP."""

    def __init__(self) -> None:
        self._credential = credential = ManagedIdentityCredential(client_id=PERSON)
        self.blobs = BlobServiceClient(URLS["blob"], credential=credential)
        self.drops = QueueServiceClient(URLS["queue"], credential=credential).get_queue_client("drops")
        self.shares = ShareServiceClient(URLS["file"], credential=credential, token_intent="backup")

    def ask(self, path: str, method: str = "GET") -> Any:
        """The app's answer; raises for one that is no success."""
        separator = "&" if "?" in path else "?"
        url = f"http://127.0.0.1:{HTTP_PORT}{path}{separator}api-version=2018-05-01"
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def drop(self, place: str, document: object) -> dict[str, Any]:
        """Drop a file, and announce it as Event Grid does. The answer beside it."""
        container, _, path = place.partition("/")
        self.blobs.get_blob_client(container, path).upload_blob(json.dumps(document), overwrite=True)
        event = {
            "id": uuid.uuid4().hex,
            "eventType": "Microsoft.Storage.BlobCreated",
            "subject": f"/blobServices/default/containers/{container}/blobs/{path}",
            "data": {"url": f"{URLS['blob']}/{place}"},
        }
        self.drops.send_message(base64.b64encode(json.dumps(event).encode()).decode())
        beside = self.blobs.get_blob_client(container, f"{path.rpartition('/')[0]}/status.json")
        return eventually(lambda: _json(beside), 60)

    def state(self) -> str:
        return str(self.ask(JOB_PATH)["properties"]["executionState"])

    def links(self) -> dict[str, str]:
        """The link that the app has signed for each output file."""
        found: dict[str, str] = {}
        for directory in ("stdouterr", "MODEL"):
            page = self.ask(f"{JOB_PATH}/listOutputFiles?outputdirectoryid={directory}", "POST")
            files = (file for file in page["value"] if "downloadUrl" in file)
            found |= {f"{directory}/{file['name']}": file["downloadUrl"] for file in files}
        return found


def _content(link: str) -> str:
    with urllib.request.urlopen(link, timeout=30) as answer:
        text: str = answer.read().decode()
    return text


def _json(blob: BlobClient) -> dict[str, Any]:
    try:
        read: dict[str, Any] = json.loads(blob.download_blob().readall())
    except ResourceNotFoundError:
        return {}
    return read


@contextmanager
def running(name: str, command: list[str], settings: dict[str, str], folder: Path) -> Iterator[Path]:
    """A program with its settings; its log."""
    log = WORK / f"{name}.log"
    child = processes.start(name, command, log, environment.machine() | settings, folder)
    try:
        yield log
    finally:
        child.stop(30)


def main() -> None:
    host = [sys.executable, "-m", "local.host", "--app", str(PROJECT), "--port", str(HTTP_PORT)]
    runner = [sys.argv[2], "-P", "-m", "runner"]
    with running("host", host, APP_SETTINGS, PROJECT) as log:
        eventually(lambda: "Ready:" in log.read_text(), 60)
        person = Person()
        assert person.ask("/health") == {"status": "ok"}  # its first request makes the installation
        person.blobs.create_container("data")
        person.shares.create_share("logs")
        said = [
            person.drop("clusters/default/default/cluster.json", CLUSTER)["state"],
            person.drop("jobs/default/exp/tokens/job.json", JOB)["state"],
        ]
        with running("runner", runner, RUNNER_SETTINGS, Path(sys.argv[3])):
            eventually(lambda: person.state() in ("succeeded", "failed"), 120)
        links = person.links()
        files = {name: _content(link) for name, link in links.items()}
        values = {"said": said, "state": person.state(), "files": files}
        eventually(lambda: "swept:" in log.read_text(), 30)
    print(json.dumps(values | {"refusals": refusals(links["MODEL/m.txt"]), "tokens": tokens()}))


def refusals(by_token: str) -> dict[str, str]:
    """What is said to requests that the account's key has signed, and to a link that the app has."""
    blob, _, signature = by_token.partition("?")
    assert "skoid=" in signature, "a user delegation SAS"
    name = blob.removeprefix(f"{URLS['blob']}/data/")
    soon = datetime.now(UTC) + timedelta(minutes=5)
    of_account = generate_account_sas(ACCOUNT, KEY, "sco", "rl", soon)
    of_blob = generate_blob_sas(ACCOUNT, "data", name, account_key=KEY, permission="r", expiry=soon)
    key = AzureNamedKeyCredential(ACCOUNT, KEY)
    tried: dict[str, Callable[[], object]] = {
        "blob by key": BlobServiceClient(URLS["blob"], credential=key).get_account_information,
        "queue by key": QueueServiceClient(URLS["queue"], credential=key).get_service_properties,
        "table by key": TableServiceClient(URLS["table"], credential=key).list_tables().next,
        "file by key": ShareServiceClient(URLS["file"], credential=key).get_service_properties,
        "account SAS": BlobClient.from_blob_url(f"{blob}?{of_account}").get_blob_properties,
        "service SAS": BlobClient.from_blob_url(f"{blob}?{of_blob}").get_blob_properties,
        "user delegation SAS": BlobClient.from_blob_url(by_token).get_blob_properties,
    }
    return {name: _said(act) for name, act in tried.items()}


def _said(act: Callable[[], object]) -> str:
    try:
        act()
    except HttpResponseError as error:
        return f"{error.status_code} {error_code(error)}"
    return "taken"


def tokens() -> dict[str, int]:
    """Requests for a token: "<party> <kind of program>" and how many."""
    parties = {APP: "app", RUNNER: "runner", PERSON: "person"}
    asked: Counter[str] = Counter()
    for line in (WORK / "imds.log").read_text().splitlines():
        if "oauth2/token" in line:
            client = line.partition("client_id=")[2][:36]
            program = "python" if "python" in line.lower() else "mount"
            asked[f"{parties.get(client, client)} {program}"] += 1
    return dict(asked)


if __name__ == "__main__":
    main()
