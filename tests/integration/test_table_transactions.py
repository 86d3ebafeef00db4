"""Our transactions beside the SDK's own, against Azurite: the same results, the same refusals."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableClient, TableServiceClient, UpdateMode

from local.azurite import Endpoints
from shared.stores.connection import error_code
from shared.stores.table_transactions import Tables
from tests.support.wire import WiredStorage

_Operations = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Pair:
    """The two clients, each with a table of its own."""

    ours: TableClient
    theirs: TableClient

    def same(self, act: Callable[[TableClient], object]) -> object:
        """What `act` comes to, which is the same with both."""
        results = [_outcome(act, client) for client in (self.ours, self.theirs)]
        assert results[0] == results[1]
        return results[0]


def _outcome(act: Callable[[TableClient], object], client: TableClient) -> object:
    try:
        return act(client)
    except HttpResponseError as error:
        code = error_code(error)
        message = str(error.message).partition("RequestId")[0].replace(client.table_name, "TABLE")
        return (type(error).__name__, error.status_code, code, message, getattr(error, "index", None))


def _pair(connection_string: str) -> Iterator[Pair]:
    clients = []
    for kind in (Tables, TableServiceClient):
        service = kind.from_connection_string(connection_string, retry_total=2, retry_backoff_factor=0.05)
        clients.append(service.create_table("t" + uuid.uuid4().hex))
    yield Pair(*clients)
    for client in clients:
        client.delete_table()


@pytest.fixture
def pair(azurite: Endpoints) -> Iterator[Pair]:
    yield from _pair(azurite.connection_string)


def _row(name: str, **columns: object) -> dict[str, object]:
    return {"PartitionKey": "p|ä'", "RowKey": name, **columns}


def _rows(client: TableClient) -> dict[str, dict[str, object]]:
    return {str(row["RowKey"]): dict(row) for row in client.list_entities()}


def _submit(operations: _Operations) -> Callable[[TableClient], object]:
    """Submits; the answers say which operations have an ETag."""
    return lambda client: [sorted(answer) for answer in client.submit_transaction(operations)]


_FIRST: _Operations = [
    ("create", _row("1|ü'", Text="ä\r\n'💾", Number=1, Real=2.0, Flag=True)),
    ("upsert", _row("2", Text="x"), {"mode": UpdateMode.REPLACE}),
    ("upsert", _row("3", Text="x"), {"mode": UpdateMode.MERGE}),
]


def test_rows_and_answers_are_the_same(pair: Pair) -> None:
    assert pair.same(_submit(_FIRST)) == [["etag"]] * 3
    second: _Operations = [
        ("update", _row("1|ü'", Number=2), {"mode": UpdateMode.MERGE}),
        ("update", _row("2", Number=2), {"mode": UpdateMode.REPLACE}),
        ("delete", _row("3")),
    ]
    assert pair.same(_submit(second)) == [["etag"], ["etag"], []]
    found = pair.same(_rows)
    assert isinstance(found, dict) and found.keys() == {"1|ü'", "2"}
    assert found["1|ü'"] == _row("1|ü'", Text="ä\r\n'💾", Number=2, Real=2.0, Flag=True)


def test_an_etag_is_that_of_the_row(pair: Pair) -> None:
    answers = pair.ours.submit_transaction(_FIRST)
    assert answers[1]["etag"] == pair.ours.get_entity("p|ä'", "2").metadata["etag"]


_STALE = {"etag": "W/\"datetime'2020'\"", "match_condition": MatchConditions.IfNotModified}
_REFUSED: dict[str, _Operations] = {
    "changed": [("upsert", _row("9")), ("update", _row("2", A=1), {"mode": UpdateMode.REPLACE, **_STALE})],
    "missing": [("upsert", _row("9")), ("update", _row("none", A=1), {"mode": UpdateMode.REPLACE})],
    "nothing to delete": [("upsert", _row("9")), ("delete", _row("none"))],
    "there already": [("create", _row("9")), ("create", _row("2"))],
    "wrong name of a column": [("upsert", _row("9", **{"a-b": 1}))],
    "value too large": [("upsert", _row("9", Text="x" * 70_000))],
    "transaction too large": [("upsert", _row(f"9{n}", Text="x" * 30_000)) for n in range(70)],
}


@pytest.mark.parametrize("operations", _REFUSED.values(), ids=_REFUSED)
def test_a_refusal_is_the_sdks(pair: Pair, operations: _Operations) -> None:
    pair.same(_submit(_FIRST))
    pair.same(_submit(operations))
    pair.same(lambda client: sorted(_rows(client)))


def test_a_table_that_is_missing(azurite: Endpoints) -> None:
    clients = [
        kind.from_connection_string(azurite.connection_string, retry_total=0).get_table_client("missing")
        for kind in (Tables, TableServiceClient)
    ]
    assert Pair(*clients).same(_submit(_FIRST))


def test_a_lost_answer_is_asked_for_again(azurite: Endpoints) -> None:
    """And a repetition of what has taken effect is refused, as the SDK's is."""
    with WiredStorage(azurite) as wires, contextmanager(_pair)(wires.connection_string) as pair:

        def lost(operations: _Operations) -> object:
            def act(client: TableClient) -> object:
                wires.table.lose_answer(lambda method, path: "$batch" in path)
                answers = client.submit_transaction(operations, retry_on_methods=["POST"])
                return [sorted(answer) for answer in answers]

            return pair.same(act)

        assert lost([("upsert", _row("2", Text="x"), {"mode": UpdateMode.REPLACE})]) == [["etag"]]
        assert "409" in str(lost(_FIRST[:1]))
        assert len(wires.table.lost) == 4
