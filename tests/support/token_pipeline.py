"""The whole pipeline by a managed identity: run by test_tokens.py inside token_account.sh. Prints JSON."""

import base64
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from azure.storage.fileshare import ShareClient
from azure.storage.queue import QueueClient

from local.azurite import ACCOUNT, KEY
from shared.names.ids import JobId
from tests.support.waiting import eventually

WORK = Path(sys.argv[1])
CLIENT = "99999999-9999-9999-9999-999999999999"
PORTS = {"blob": 10000, "queue": 10001, "table": 10002, "file": 10003}
URLS = {service: f"https://127.0.0.1:{port}/{ACCOUNT}" for service, port in PORTS.items()}
SETTINGS = {f"BATCHAI_STORAGE__{service}ServiceUri": url for service, url in URLS.items()} | {
    "BATCHAI_STORAGE__clientId": CLIENT,
    "BATCHAI_SEALING_KEYS": base64.b64encode(b"k" * 32).decode(),
    "BATCHAI_BLOB_SOURCE": "Queue",
    "BATCHAI_SWEEP_SCHEDULE": "0 * * * * *",
    "BATCHAI_NODE_ROOT": str(WORK / "node"),
    "BATCHAI_JOB_USER": "own",
    "BATCHAI_JOB_METADATA": "open",
}
CLUSTER = {
    "properties": {
        "vmSize": "STANDARD_D1",
        "userAccountSettings": {"adminUserName": "me", "adminUserSshPublicKey": "ssh-rsa AAAA"},
    }
}
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


def main() -> None:
    os.environ.update(SETTINGS)
    from api.wired import backend

    back = backend()  # makes tables, containers and queues
    back.connection.blobs.create_container("data")
    from shared.stores.volumes.file_shares import ShareAddress, create_share

    create_share(ShareAddress(ACCOUNT, "logs", "", URLS["file"]))
    _drop(back, "clusters/default/default/cluster.json", CLUSTER)
    _drop(back, "jobs/default/exp/tokens/job.json", JOB)
    asked = _tokens()
    id_ = JobId("default", "exp", "tokens")
    log = WORK / "runner.log"
    with log.open("w") as output:
        runner = subprocess.Popen([sys.executable, "-P", "-m", "runner"], stdout=output, stderr=output)
    try:
        eventually(lambda: not back.manager.get(id_).state.live, 90)
    finally:
        runner.terminate()
        runner.wait(30)
    from api.output_files import list_output_files

    job = back.manager.get(id_)
    found = {}
    for identifier in ("stdouterr", "MODEL"):
        listed, _ = list_output_files(back.manager, back.clusters, job, identifier, ".", 60, 100, "")
        for file in listed:
            if "downloadUrl" in file:
                with urllib.request.urlopen(file["downloadUrl"], timeout=10) as answer:
                    found[f"{identifier}/{file['name']}"] = answer.read().decode()
    print(
        json.dumps(
            {
                "state": job.state.value,
                "files": found,
                "with_key": _with_key(),
                "tokens_of_the_app": asked,
                "clients": sorted(_clients()),
                "runner": log.read_text()[-4000:],
            }
        )
    )


def _drop(back: object, place: str, document: object) -> None:
    """As Event Grid does: the blob, then a message about it in the queue; then what the trigger does."""
    from api import queue_drops

    container, _, path = place.partition("/")
    blobs = back.connection.blobs  # type: ignore[attr-defined]
    blobs.get_blob_client(container, path).upload_blob(json.dumps(document).encode(), overwrite=True)
    event = {
        "id": uuid.uuid4().hex,
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/{container}/blobs/{path}",
        "data": {"url": f"{URLS['blob']}/{place}"},
    }
    queue: QueueClient = back.connection.queues.get_queue_client("drops")  # type: ignore[attr-defined]
    queue.send_message(base64.b64encode(json.dumps(event).encode()).decode())
    message = queue.receive_message()
    assert message is not None
    import azure.functions as func

    queue_drops.take_message(func.QueueMessage(body=message.content.encode()))
    queue.delete_message(message)


def _log() -> list[str]:
    return [line for line in (WORK / "imds.log").read_text().splitlines() if "oauth2/token" in line]


def _tokens() -> int:
    return len(_log())


def _clients() -> set[str]:
    return {line.partition("client_id=")[2].partition("&")[0] for line in _log()}


def _with_key() -> str:
    credential = {"account_name": ACCOUNT, "account_key": KEY}
    try:
        with ShareClient(URLS["file"], "logs", credential=credential, retry_total=0) as share:
            share.get_share_properties()
    except Exception as error:
        return str(getattr(error, "error_code", error))
    return "opened"


if __name__ == "__main__":
    main()
