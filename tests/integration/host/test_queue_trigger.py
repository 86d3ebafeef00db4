"""Queue triggers: encoding, tries, poison, pauses."""

import base64
import json

import pytest
from azure.storage.queue import QueueClient, QueueServiceClient

from tests.integration.host.conftest import MakeHost

PRINTS = """
@app.queue_trigger(arg_name="msg", queue_name="%NAME%", connection="AzureWebJobsStorage")
def on_message(msg: func.QueueMessage):
    body = msg.get_body().decode()
    print("GOT", body, "try", msg.dequeue_count, "id", msg.id, flush=True)
    if "bad" in body:
        raise ValueError("bad message")
"""
FAST = {"maxPollingInterval": "00:00:00.2"}


@pytest.fixture
def queue(queues: QueueServiceClient, name: str) -> QueueClient:
    return queues.create_queue(name)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_runs_and_deletes(make_host: MakeHost, queue: QueueClient) -> None:
    host = make_host(PRINTS)
    host.write_host_json({"queues": FAST})
    host.start()
    sent = queue.send_message(encoded("hello"))
    host.wait_for(f"GOT hello try 1 id {sent.id}")
    queue.send_message(encoded(json.dumps({"id": "of the body"})))
    host.wait_for("id of the body")
    assert host.stop() == 0
    assert queue.get_queue_properties().approximate_message_count == 0


def test_five_tries_then_poison(make_host: MakeHost, queue: QueueClient, queues: QueueServiceClient) -> None:
    host = make_host(PRINTS)
    host.write_host_json({"queues": FAST})
    host.start()
    queue.send_message(encoded("bad"))
    host.wait_for(f"it is moved to {queue.queue_name}-poison")
    assert host.stop() == 0
    assert host.count("GOT bad try") == 5
    (poison,) = queues.get_queue_client(f"{queue.queue_name}-poison").peek_messages()
    assert poison.content == encoded("bad")


def test_what_is_not_base64_is_moved_to_poison_unseen(
    make_host: MakeHost, queue: QueueClient, queues: QueueServiceClient
) -> None:
    host = make_host(PRINTS)
    host.write_host_json({"queues": FAST})
    host.start()
    queue.send_message("plain text!")
    host.wait_for("cannot be decoded")
    assert host.stop() == 0
    assert host.count("GOT") == 0
    (poison,) = queues.get_queue_client(f"{queue.queue_name}-poison").peek_messages()
    assert poison.content == "plain text!"


def test_plain_text_where_host_json_says_so_and_a_pause_after_a_failure(
    make_host: MakeHost, queue: QueueClient
) -> None:
    host = make_host(PRINTS)
    settings = FAST | {"messageEncoding": "none", "visibilityTimeout": "00:01:00", "maxDequeueCount": 2}
    host.write_host_json({"queues": settings})
    host.start()
    queue.send_message("bad and plain")
    host.wait_for("Executed 'Functions.on_message' (Failed")
    queue.send_message("good and plain")
    host.wait_for("GOT good and plain")
    assert host.stop() == 0
    assert host.count("GOT bad and plain") == 1
    assert queue.get_queue_properties().approximate_message_count == 1


def test_a_missing_queue_is_an_empty_one(make_host: MakeHost, queues: QueueServiceClient, name: str) -> None:
    host = make_host(PRINTS)
    host.write_host_json({"queues": FAST})
    host.start()
    queues.create_queue(name).send_message(encoded("late"))
    host.wait_for("GOT late")


def test_a_slow_function_that_outlives_the_grace_comes_again(make_host: MakeHost, queue: QueueClient) -> None:
    """SIGTERM gives the message back at once, so that the next start need not wait for the lock."""
    host = make_host(
        """
        import time
        @app.queue_trigger(arg_name="msg", queue_name="%NAME%", connection="AzureWebJobsStorage")
        def on_message(msg: func.QueueMessage):
            print("TRY", msg.dequeue_count, flush=True)
            time.sleep(60 if msg.dequeue_count == 1 else 0)
        """
    )
    host.write_host_json({"queues": FAST})
    host.start("--lock-seconds", "600")
    queue.send_message(encoded("x"))
    host.wait_for("TRY 1")
    assert host.stop() == 0
    assert host.count("1 invocations were cut off") == 1
    host.start()
    host.wait_for("TRY 2")
