"""The lean pipelines have what storage needs, in the SDK's order, and refuse what they would not heed."""

from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from shared.stores.service_clients import Blobs, Queues
from shared.stores.table_transactions import Tables
from tests.support.seen_requests import Looking

_CONNECTION = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:9/a;"
    "QueueEndpoint=http://127.0.0.1:9/a;TableEndpoint=http://127.0.0.1:9/a;"
)


def _sent(client: Any, call: Any) -> Looking:
    looking = Looking()
    return looking.sees(lambda: call(client.from_connection_string(_CONNECTION, transport=looking)))


def _put(service: Any) -> None:
    service.get_blob_client("c", "b").upload_blob(b"x", overwrite=True, metadata={"a": "b"})


def _receive(service: Any) -> None:
    service.get_queue_client("queue").receive_message(visibility_timeout=3)


def _change(service: Any) -> None:
    service.get_table_client("jobs").upsert_entity({"PartitionKey": "p", "RowKey": "r"})


def _names(looking: Looking) -> set[str]:
    return {name.lower() for name in looking.request.headers}


@pytest.mark.parametrize(
    ("ours", "theirs", "call"), [(Blobs, BlobServiceClient, _put), (Queues, QueueServiceClient, _receive)]
)
def test_a_request_has_the_headers_that_the_sdk_gives_it(ours: Any, theirs: Any, call: Any) -> None:
    lean = _sent(ours, call)
    assert _names(lean) == _names(_sent(theirs, call))
    assert not lean.options.keys() & {"client_request_id", "validate_content"}


def test_one_of_tables_is_signed_and_named() -> None:
    assert _names(_sent(Tables, _change)) >= {"authorization", "x-ms-date", "x-ms-client-request-id"}


def test_what_would_not_be_heeded_is_refused() -> None:
    service = Blobs.from_connection_string(_CONNECTION, transport=Looking())
    with pytest.raises(ValueError, match="validate_content"):
        service.get_blob_client("c", "b").upload_blob(b"x", validate_content=True)
