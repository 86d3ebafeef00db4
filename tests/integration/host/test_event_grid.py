"""Blob triggers with source EventGrid: driven by deliveries to the webhook."""

import pytest
from azure.storage.blob import BlobServiceClient

from tests.integration.host.conftest import MakeHost
from tests.support.functions_host import HostUnderTest

HOOK = "/runtime/webhooks/blobs?functionName=Host.Functions.on_job"


@pytest.fixture
def host(make_host: MakeHost, blobs: BlobServiceClient, name: str) -> HostUnderTest:
    blobs.create_container(name).upload_blob("a/job.json", b"first")
    return make_host(
        """
        @app.blob_trigger(arg_name="blob", path="%NAME%/{p}/job.json", connection="AzureWebJobsStorage",
                          source=func.BlobSource.EVENT_GRID)
        def on_job(blob: func.InputStream):
            print("RAN", blob.name, blob.read().decode(), flush=True)

        @app.route(route="plain")
        def plain(req: func.HttpRequest) -> str:
            return ""
        """
    ).start()


def event(blobs: BlobServiceClient, container: str, name: str) -> dict[str, object]:
    url = blobs.get_blob_client(container, name).url
    return {"eventType": "Microsoft.Storage.BlobCreated", "data": {"api": "PutBlob", "url": url}}


def test_each_delivery_runs_on_what_is_there(
    host: HostUnderTest, blobs: BlobServiceClient, name: str
) -> None:
    """No receipt, no pattern check: a duplicate runs twice, and a name outside the pattern runs."""
    twice = [event(blobs, name, "a/job.json")]
    assert [host.request("POST", HOOK, json=twice).status_code for _ in range(2)] == [202, 202]
    host.wait_for(f"RAN {name}/a/job.json first", 2)
    blobs.get_blob_client(name, "other.txt").upload_blob(b"outside")
    cloud = {"specversion": "1.0", "type": "Microsoft.Storage.BlobCreated"} | event(blobs, name, "other.txt")
    headers = {"aeg-event-type": "Notification", "content-type": "application/cloudevents+json"}
    assert host.request("POST", HOOK, json=cloud, headers=headers).status_code == 202
    host.wait_for(f"RAN {name}/other.txt outside")
    assert host.stop() == 0
    assert host.count("RAN") == 3


def test_handshakes(host: HostUnderTest) -> None:
    validation = {
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "c0de"},
    }
    answer = host.request(
        "POST", HOOK, json=[validation], headers={"aeg-event-type": "SubscriptionValidation"}
    )
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "c0de"})
    answer = host.request("OPTIONS", HOOK, headers={"WebHook-Request-Origin": "eventgrid.azure.net"})
    assert answer.headers["webhook-allowed-origin"] == "eventgrid.azure.net"


def test_refuses_what_is_no_delivery(host: HostUnderTest) -> None:
    assert host.request("POST", HOOK, content=b"not json").status_code == 400
    assert host.request("POST", HOOK, json=[{"data": {}}]).status_code == 400
    for other in ("plain", "nobody"):
        assert host.request("POST", HOOK.replace("on_job", other), json=[{}]).status_code == 404
