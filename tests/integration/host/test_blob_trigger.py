"""Blob triggers: detection, receipts, tries and poison, on real Azurite."""

import base64
import json

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.queue import QueueServiceClient

from tests.integration.host.conftest import MakeHost
from tests.support.waiting import eventually

PRINTS = """
@app.blob_trigger(arg_name="blob", path="%NAME%/{path}/job.json", connection="AzureWebJobsStorage")
def on_job(blob: func.InputStream):
    print("RAN", blob.name, blob.read().decode(), flush=True)
"""


@pytest.fixture
def container(blobs: BlobServiceClient, name: str) -> ContainerClient:
    return blobs.create_container(name)


def test_runs_for_matching_blobs_old_and_new(
    make_host: MakeHost, container: ContainerClient, name: str
) -> None:
    container.upload_blob("w/e/old/job.json", b"old")
    container.upload_blob("w/e/old/status.json", b"not this")
    host = make_host(PRINTS).start()
    container.upload_blob("new one/job.json", b"new")
    host.wait_for(f"RAN {name}/w/e/old/job.json old")
    host.wait_for(f"RAN {name}/new one/job.json new")
    assert host.stop() == 0
    assert host.count("RAN") == 2
    assert host.count("Executed 'Functions.on_job' (Succeeded, Id=") == 2


def test_waits_for_a_container_and_does_not_make_it(
    make_host: MakeHost, blobs: BlobServiceClient, name: str
) -> None:
    host = make_host(PRINTS).start()
    host.wait_for("does not exist yet")
    assert not blobs.get_container_client(name).exists()
    blobs.create_container(name).upload_blob("a/job.json", b"late")
    host.wait_for(f"RAN {name}/a/job.json late")
    assert host.count("does not exist yet") == 1


def test_a_restart_does_not_run_it_again_but_a_new_version_does(
    make_host: MakeHost, container: ContainerClient, queues: QueueServiceClient, name: str
) -> None:
    host = make_host(PRINTS).start()
    container.upload_blob("a/job.json", b"one")
    host.wait_for("RAN")
    # A host that is killed before it has taken the message out runs it again, as it must.
    found = queues.get_queue_client(
        f"azure-webjobs-blobtrigger-{host.request('GET', '/admin/host/status').json()['id']}"
    )
    eventually(lambda: found.get_queue_properties().approximate_message_count == 0, 20)
    host.kill()
    host.start()
    container.upload_blob("b/job.json", b"marker")
    host.wait_for(f"RAN {name}/b/job.json marker")
    assert host.count(f"RAN {name}/a") == 0
    container.upload_blob("a/job.json", b"two", overwrite=True)
    host.wait_for(f"RAN {name}/a/job.json two")


def test_what_was_detected_survives_a_crash(
    make_host: MakeHost, container: ContainerClient, name: str
) -> None:
    host = make_host(
        """
        import os, time
        @app.blob_trigger(arg_name="blob", path="%NAME%/{path}", connection="AzureWebJobsStorage")
        def on_job(blob: func.InputStream):
            print("BEGUN", flush=True)
            time.sleep(float(os.environ["HOLD"]))
            print("ENDED", blob.name, flush=True)
        """
    )
    host.environment = dict(host.environment) | {"HOLD": "60"}
    host.start()
    container.upload_blob("x", b"")
    host.wait_for("BEGUN")
    host.kill()
    host.environment |= {"HOLD": "0"}
    host.start()
    host.wait_for(f"ENDED {name}/x")
    assert host.count("BEGUN") == 1


def test_a_long_run_keeps_its_lock(make_host: MakeHost, container: ContainerClient) -> None:
    host = make_host(
        """
        import time
        @app.blob_trigger(arg_name="blob", path="%NAME%/{path}", connection="AzureWebJobsStorage")
        def on_job(blob: func.InputStream):
            print("BEGUN", flush=True)
            time.sleep(5)
            print("ENDED", flush=True)
        """
    ).start()
    container.upload_blob("x", b"")
    host.wait_for("ENDED")
    assert host.stop() == 0
    assert host.count("BEGUN") == 1


def test_only_the_last_version_runs(
    make_host: MakeHost, blobs: BlobServiceClient, container: ContainerClient, name: str
) -> None:
    blocks = """
import pathlib, time
@app.blob_trigger(arg_name="blob", path="%NAME%/block", connection="AzureWebJobsStorage")
def block(blob: func.InputStream):
    print("BLOCKED", flush=True)
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
"""
    host = make_host(PRINTS + blocks)
    host.write_host_json({"blobs": {"maxDegreeOfParallelism": 1}})
    host.start()
    container.upload_blob("block", b"")
    host.wait_for("BLOCKED")
    container.upload_blob("a/job.json", b"first")
    hosts = blobs.get_container_client("azure-webjobs-hosts")
    receipts = eventually(
        lambda: next((n for n in hosts.list_blob_names() if n.endswith(f".on_job/{name}.jsonl")), None)
    )
    eventually(lambda: b"a/job.json" in hosts.download_blob(receipts).readall())
    container.upload_blob("a/job.json", b"second", overwrite=True)
    (host.directory / "go").touch()
    host.wait_for(f"RAN {name}/a/job.json second")
    assert host.count("was overwritten since it was detected") == 1
    assert host.stop() == 0
    assert host.count("RAN") == 1


def test_deleted_before_its_run_is_ignored(
    make_host: MakeHost, container: ContainerClient, name: str
) -> None:
    host = make_host(PRINTS).start()
    answer = host.request("POST", "/admin/functions/on_job", json={"input": f"{name}/gone/job.json"})
    assert answer.status_code == 202
    host.wait_for(f"Blob {name}/gone/job.json is gone")
    assert host.count("Executing") == 0


def test_five_tries_at_once_then_a_pointer_in_poison(
    make_host: MakeHost, container: ContainerClient, queues: QueueServiceClient, name: str
) -> None:
    host = make_host(
        """
        @app.blob_trigger(arg_name="blob", path="%NAME%/{path}", connection="AzureWebJobsStorage")
        def breaks(blob: func.InputStream):
            raise ValueError("no good")
        """
    ).start()
    container.upload_blob("x y", b"secret content")
    host.wait_for("it is moved to webjobs-blobtrigger-poison")
    assert host.stop() == 0
    assert host.count("Executed 'Functions.breaks' (Failed") == 5
    assert host.count("ValueError: no good") == 5
    messages = queues.get_queue_client("webjobs-blobtrigger-poison").peek_messages(max_messages=32)
    documents = [json.loads(base64.b64decode(message.content)) for message in messages]
    (pointer,) = [d for d in documents if d["ContainerName"] == name]
    etag = container.get_blob_client("x y").get_blob_properties().etag
    assert pointer == {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.breaks",
        "BlobType": "BlockBlob",
        "ContainerName": name,
        "BlobName": "x y",
        "ETag": etag,
    }


def test_what_a_function_is_given(make_host: MakeHost, container: ContainerClient, name: str) -> None:
    host = make_host(
        """
        @app.blob_trigger(arg_name="blob", path="%NAME%/{path}", connection="OTHER")
        def stream(blob: func.InputStream, context: func.Context):
            etag = blob.blob_properties["ETag"]
            about = f"{blob.name} {blob.length} {blob.uri} {blob.metadata} {etag}"
            # One piece of text: print writes its arguments one by one, and another thread prints, too.
            print(f"STREAM {about} {context.function_name} {len(context.invocation_id)}", flush=True)

        @app.blob_trigger(arg_name="content", path="%NAME%/{path}", connection="AzureWebJobsStorage")
        async def content(content: bytes):
            print(f"BYTES {content}", flush=True)
        """
    )
    host.environment = dict(host.environment)
    host.environment["AzureWebJobsOTHER"] = host.environment["AzureWebJobsStorage"]
    host.start()
    container.upload_blob("a.bin", b"\x00\xff", metadata={"k": "v"})
    client = container.get_blob_client("a.bin")
    etag = client.get_blob_properties().etag
    host.wait_for(f"STREAM {name}/a.bin 2 {client.url} {{'k': 'v'}} {etag} stream 36")
    host.wait_for(r"BYTES b'\x00\xff'")


def test_a_function_that_returns_something_fails(make_host: MakeHost, container: ContainerClient) -> None:
    host = make_host(
        """
        @app.blob_trigger(arg_name="blob", path="%NAME%/{path}", connection="AzureWebJobsStorage")
        def returns(blob: func.InputStream):
            return "text"
        """
    ).start()
    container.upload_blob("x", b"")
    host.wait_for("without a $return binding returned a non-None value", 5)
