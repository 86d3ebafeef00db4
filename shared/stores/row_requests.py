"""The parts of a table transaction, from patterns that the SDK has made.

For every row of every transaction the SDK puts a request together from its parts, names the type of each text
and forgets it all. What differs from row to row is where it lies, what it holds and which ETag it must have.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from azure.core import MatchConditions
from azure.data.tables import TableClient, UpdateMode
from azure.data.tables._serialize import _add_entity_properties
from azure.data.tables._table_batch import TableBatchOperations

#: An operation as `TableClient.submit_transaction` takes it, by which its pattern is found.
_Kind = tuple[str, UpdateMode | None, bool]
_MODES = {"update": UpdateMode.MERGE, "upsert": UpdateMode.MERGE}


@dataclass(frozen=True)
class Part:
    """A request of the SDK's, as far as a transaction holds any of it."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: str | None


class RowRequests:
    """Of one table. Thread-safe: a pattern that is made twice is the same."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._patterns: dict[_Kind, Part] = {}

    def parts(self, operations: Sequence[Any]) -> list[Part] | None:
        """One of each; None where one says something that patterns do not know, or that is wrong."""
        try:
            found = [self._part(*operation) for operation in operations]
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
        return [part for part in found if part] if all(found) else None

    def _part(self, verb: str, entity: Any, options: Mapping[str, Any] | None = None) -> Part | None:
        given = dict(options or {})
        mode = given.pop("mode", _MODES.get(verb))
        etag, condition = given.pop("etag", None), given.pop("match_condition", None)
        is_plain = type(entity) is dict and not given and (mode is None or type(mode) is UpdateMode)
        if not is_plain or bool(etag) != (condition is MatchConditions.IfNotModified):
            return None
        kind = (verb, mode, bool(etag))
        pattern = self._patterns.get(kind) or self._patterns.setdefault(kind, self._pattern(kind))
        headers = {**pattern.headers, "If-Match": etag} if etag else pattern.headers
        url = pattern.url if verb == "create" else f"{pattern.url}({_keys(entity)})"
        if verb == "delete":
            return Part(pattern.method, url, headers, None)
        content = json.dumps(_properties(entity))
        return Part(pattern.method, url, {**headers, "Content-Length": str(len(content))}, content)

    def _pattern(self, kind: _Kind) -> Part:
        verb, mode, conditional = kind
        made: Any = self._table
        batch = TableBatchOperations(
            config=made._client._config,
            endpoint=f"{made.scheme}://{made._primary_hostname}",
            table_name=made.table_name,
            is_cosmos_endpoint=made._cosmos_endpoint,
        )
        options: dict[str, Any] = {"mode": mode} if mode else {}
        if conditional:
            options |= {"etag": "*", "match_condition": MatchConditions.IfNotModified}
        batch.add_operation((verb, {"PartitionKey": "", "RowKey": ""}, options))
        (request,) = batch.requests
        return Part(request.method, request.url.partition("(")[0], dict(request.headers), None)


def _keys(entity: Mapping[str, Any]) -> str:
    partition, row = (quote(entity[name].replace("'", "''"), safe="") for name in ("PartitionKey", "RowKey"))
    return f"PartitionKey='{partition}',RowKey='{row}'"


def _properties(entity: Mapping[str, Any]) -> dict[str, Any]:
    """What a row holds; texts without their type, which JSON says."""
    made: dict[str, Any] = {}
    for name, value in entity.items():
        if type(value) is str:
            made[name] = value
        else:
            made |= _add_entity_properties({name: value})
    return made
