import base64
import json
from typing import Any

import pytest

from api.blob_events import dropped_blobs
from tests.support.cases import cases

SUBJECT = "/blobServices/default/containers/jobs/blobs/ws/exp/a b/job.json"
GRID: dict[str, Any] = {"eventType": "Microsoft.Storage.BlobCreated", "subject": SUBJECT, "data": {}}
CLOUD: dict[str, Any] = {"specversion": "1.0", "type": "Microsoft.Storage.BlobCreated", "subject": SUBJECT}
PLACE = "jobs/ws/exp/a b/job.json"


@pytest.mark.parametrize("event", [GRID, CLOUD, [GRID], [GRID, CLOUD]])
def test_both_schemas_plain_and_in_base64(event: object) -> None:
    plain = json.dumps(event).encode()
    assert dropped_blobs(plain) == dropped_blobs(base64.b64encode(plain)) == (PLACE,)


def test_a_url_says_where_when_the_subject_does_not() -> None:
    url = "https://a.blob.core.windows.net/jobs/ws/exp/a%20b/job.json"
    assert dropped_blobs(json.dumps(GRID | {"subject": "", "data": {"url": url}}).encode()) == (PLACE,)


@cases(
    "message",
    [
        b"",
        b"hello",
        b"{",
        b"[1, null]",
        b"\xff\xfe",
        base64.b64encode(b"\xff{"),
        b"[" * 100_000,
        json.dumps(GRID | {"eventType": "Microsoft.Storage.BlobDeleted"}).encode(),
        json.dumps(GRID | {"subject": "", "data": {"url": "https://[x/"}}).encode(),
        json.dumps(GRID | {"subject": "", "data": {"url": "https://a/container"}}).encode(),
        json.dumps(GRID | {"subject": "", "data": 7}).encode(),
    ],
)
def test_what_names_no_new_blob_is_nothing(message: bytes) -> None:
    assert dropped_blobs(message) == ()
