"""local.host.events: what Event Grid sends."""

import json

import pytest

from local.host.events import blob_of, read_events, validation_code


@pytest.mark.parametrize(
    ("event", "container", "name"),
    [
        ({"data": {"url": "https://a.blob.core.windows.net/jobs/a%20b/job.json"}}, "jobs", "a b/job.json"),
        ({"data": {"url": "http://127.0.0.1:10000/devstoreaccount1/jobs/a/job.json"}}, "jobs", "a/job.json"),
        ({"subject": "/blobServices/default/containers/jobs/blobs/a/job.json"}, "jobs", "a/job.json"),
    ],
)
def test_finds_the_blob(event: dict[str, object], container: str, name: str) -> None:
    blob = blob_of(event)
    assert (blob.container, blob.name) == (container, name)


@pytest.mark.parametrize(
    "event", [{}, {"subject": "/x"}, {"data": {"url": ""}}, {"data": {"url": "nonsense"}}]
)
def test_refuses_an_event_without_a_blob(event: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        blob_of(event)


def test_reads_both_schemas() -> None:
    assert len(read_events(b'[{"a": 1}, {"b": 2}]')) == 2
    assert len(read_events(b'{"specversion": "1.0"}')) == 1
    for body in (b"", b"[]", b"[1]", b'"x"'):
        with pytest.raises(ValueError, match=r".+"):
            read_events(body)


def test_finds_the_validation_code() -> None:
    event = {
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "512d38b6"},
    }
    assert validation_code(read_events(json.dumps([event]).encode())) == "512d38b6"
    assert validation_code([{"eventType": "Microsoft.Storage.BlobCreated"}]) is None
