"""shared.stores.table_transactions: the text is the SDK's own, and only good news is read here."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.data.tables import EdmType, TableServiceClient, UpdateMode

from shared.stores.table_transactions import Table, Tables, answers
from tests.support.seen_requests import Looking

_CONNECTION = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:9/a;"
)
_KEYS = {"PartitionKey": "p", "RowKey": "r|ü'x"}
_ENTITY = {
    **_KEYS,
    "Typed": ', "A@odata.type": "Edm.String", ',
    "Text": "line\r\nline 'ä' 💾 --batch_",
    "None": None,
    "Number": 3,
    "Large": (1 << 40, EdmType.INT64),
    "Real": 0.5,
    "Flag": True,
    "Time": datetime(2026, 11, 29, 1, 2, 3, 4, tzinfo=UTC),
    "Bytes": b"\x00\xff",
}
_IF_MATCH = {"etag": "W/\"datetime'1'\"", "match_condition": MatchConditions.IfNotModified}
_OPERATIONS: list[tuple[Any, ...]] = [
    ("create", _ENTITY),
    ("update", {**_ENTITY, "RowKey": "2|ü''x/"}, {"mode": UpdateMode.REPLACE, **_IF_MATCH}),
    ("update", {**_ENTITY, "RowKey": "3"}, {"mode": UpdateMode.MERGE}),
    ("upsert", {**_ENTITY, "RowKey": "4"}, {"mode": UpdateMode.REPLACE}),
    ("upsert", {**_ENTITY, "RowKey": "5"}, {"mode": UpdateMode.MERGE}),
    ("delete", {"PartitionKey": "p", "RowKey": "6"}, _IF_MATCH),
    ("delete", {"PartitionKey": "p", "RowKey": "7"}),
]


def _sent(kind: Any, operations: Sequence[tuple[Any, ...]]) -> tuple[str, dict[str, str], bytes]:
    """What a table client sends: address, headers and body, without what differs from time to time."""
    looking = Looking()
    client = kind.from_connection_string(_CONNECTION, transport=looking).get_table_client("jobs")
    assert kind is not Tables or isinstance(client, Table)
    request = looking.sees(lambda: client.submit_transaction(operations)).request
    changing = {"x-ms-date", "date", "authorization", "x-ms-client-request-id", "content-length"}
    headers = {name.lower(): _plain(value) for name, value in request.headers.items()}
    assert changing <= headers.keys() | {"x-ms-client-request-id"}
    body = request.content if isinstance(request.content, bytes) else str(request.content).encode()
    return (
        request.url,
        {n: v for n, v in headers.items() if n not in changing},
        _plain(body.decode()).encode(),
    )


def _lines(body: bytes) -> list[object]:
    """The lines of a body, JSON as what it means; but for the types of texts, which JSON says anyway, the
    lengths, which are looked at, and empty lines at the end."""
    lines: list[object] = []
    length = 0
    for line in body.decode().rstrip().split("\r\n"):
        if line.startswith("Content-Length: "):
            length = int(line.partition(": ")[2])
        elif line.startswith("{"):
            assert len(line) == length
            named = json.loads(line).items()
            lines.append({n: v for n, v in named if not (n.endswith("@odata.type") and v == "Edm.String")})
        else:
            lines.append(line)
    return lines


def _plain(text: str) -> str:
    """Without the names of boundaries and the time of day."""
    text = re.sub(r"(batch|changeset)_[0-9a-f-]{36}", r"\1", text)
    return re.sub(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT", "DATE", text)


@pytest.mark.parametrize("count", [1, len(_OPERATIONS)])
def test_what_is_sent_is_what_the_sdk_would_send(count: int) -> None:
    url, headers, body = _sent(Tables, _OPERATIONS[:count])
    their_url, their_headers, their_body = _sent(TableServiceClient, _OPERATIONS[:count])
    assert url == their_url
    assert headers == their_headers
    assert _lines(body) == _lines(their_body)
    assert b"Edm.Double" in body and body.count(b'": "Edm.String"') == 0


@pytest.mark.parametrize(
    "operation",
    [
        ("drop", _ENTITY),
        ("update", _ENTITY, {"mode": "none"}),
        ("update", _ENTITY, {"etag": "1"}),
        ("update", _ENTITY, {"match_condition": MatchConditions.IfNotModified}),
        ("delete", _ENTITY, {"timeout": 3}),
    ],
)
def test_what_is_no_change_of_a_row_is_not_sent(operation: tuple[Any, ...]) -> None:
    table = Tables.from_connection_string(_CONNECTION, transport=Looking()).get_table_client("jobs")
    with pytest.raises(ValueError, match="not a c"):
        table.submit_transaction([operation])


def test_a_value_that_no_row_can_hold_is_not_sent() -> None:
    table = Tables.from_connection_string(_CONNECTION, transport=Looking()).get_table_client("jobs")
    with pytest.raises(TypeError, match="too large to be cast"):
        table.submit_transaction([("create", {**_KEYS, "Number": 1 << 31})])


_TYPE = "multipart/mixed; boundary=batchresponse_1"


def _answer(*parts: str, outer: str = "batchresponse_1") -> bytes:
    pieces = [f"--{outer}", "Content-Type: multipart/mixed; boundary=changesetresponse_2", ""]
    for part in parts:
        pieces += ["--changesetresponse_2", "Content-Type: application/http", "", *part.split("\n")]
    return "\r\n".join([*pieces, "--changesetresponse_2--", f"--{outer}--", ""]).encode()


_GOOD = "HTTP/1.1 204 No Content\nDataServiceVersion: 3.0;\nETag: W/\"datetime'1%3A2'\"\n\n"


def test_good_news_is_an_etag_of_each_part() -> None:
    created = '%s\nContent-Type: application/json\neTag: W/"2" \n\n{"odata.etag": "\\r\\nETag: no"}\n'
    gone = "HTTP/1.1 204 No Content\nContent-Length: 0\n\n"
    body = _answer(_GOOD, created % "HTTP/1.1 201 Created", gone)
    assert answers(_TYPE, body) == [{"etag": "W/\"datetime'1%3A2'\""}, {"etag": 'W/"2"'}, {}]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (_TYPE, _answer(_GOOD, "HTTP/1.1 412 Precondition Failed\n\n{}")),
        (_TYPE, _answer(_GOOD, "nothing that is HTTP\n\n")),
        (_TYPE, b"--batchresponse_1\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n--batchresponse_1--"),
        (_TYPE, _answer(_GOOD, outer="another")),
        (_TYPE, b""),
        ("application/json", _answer(_GOOD)),
    ],
)
def test_anything_else_is_left_to_the_sdk(kind: str, body: bytes) -> None:
    assert answers(kind, body) is None
