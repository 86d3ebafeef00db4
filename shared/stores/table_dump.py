"""Rows of the state's tables as JSON objects and back, whatever columns they have: for a backup."""

import base64
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from azure.data.tables import EdmType, EntityProperty, UpdateMode

from shared.errors import StoreError
from shared.stores.connection import Connection, translated

#: Of one transaction (Azure Table storage): 100 rows, 4 MiB. A row is at most 1 MiB.
_MOST_ROWS, _MOST_BYTES = 100, 3_000_000
_TYPE = "@odata.type"

#: Types that JSON has not, by the names of the table service: how they are read from their text.
_READ: Mapping[str, Callable[[str], Any]] = {
    "Edm.Int64": lambda text: EntityProperty(int(text), EdmType.INT64),
    "Edm.Double": float,
    "Edm.DateTime": lambda text: datetime.fromisoformat(text).astimezone(UTC),
    "Edm.Binary": base64.b64decode,
    "Edm.Guid": uuid.UUID,
}


def dumped(entity: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON: text, truth values and 32-bit numbers as they are; other types as text, with the type
    beside them in "<column>@odata.type", as the table service itself writes them."""
    found: dict[str, Any] = {}
    for name, value in entity.items():
        kind, plain = _typed(value)
        if kind:
            found[f"{name}{_TYPE}"] = kind
        found[name] = plain
    return found


def _typed(value: Any) -> tuple[str, Any]:
    match value:
        case EntityProperty():
            return str(getattr(value.edm_type, "value", value.edm_type)), str(value.value)
        case bool() | int() | str():
            return "", value
        case float():
            return "Edm.Double", repr(value)
        case datetime():
            return "Edm.DateTime", value.isoformat()
        case bytes():
            return "Edm.Binary", base64.b64encode(value).decode()
        case uuid.UUID():
            return "Edm.Guid", str(value)
        case _:
            raise StoreError(f"a column of type {type(value).__name__} cannot be written down")


def loaded(row: Mapping[str, Any]) -> dict[str, Any]:
    """What `dumped` made, as a row again. Raises ValueError for what it did not make."""
    entity: dict[str, Any] = {}
    for name, value in row.items():
        if name.endswith(_TYPE):
            continue
        kind = row.get(f"{name}{_TYPE}", "")
        if kind and (kind not in _READ or not isinstance(value, str)):
            raise ValueError(f"column {name} has the type {kind}, which is not known")
        entity[name] = _READ[kind](value) if kind else value
    if not all(isinstance(entity.get(key), str) for key in ("PartitionKey", "RowKey")):
        raise ValueError("a row without PartitionKey and RowKey")
    return entity


def rows_of(connection: Connection, table: str) -> Iterator[dict[str, Any]]:
    """Every row of a table. Raises StoreError."""
    with translated(f"reading table {table}"):
        for entity in connection.tables.get_table_client(table).list_entities():
            yield dumped(entity)


def is_empty(connection: Connection, table: str) -> bool:
    """Whether a table has no row. Raises StoreError."""
    with translated(f"reading table {table}"):
        return not any(connection.tables.get_table_client(table).list_entities(results_per_page=1))


def put_rows(connection: Connection, table: str, rows: Iterable[tuple[int, dict[str, Any]]]) -> None:
    """Write rows, each with its size in bytes, over what may be there under their keys. Quick where rows of a
    partition follow each other. Raises StoreError."""
    client = connection.tables.get_table_client(table)
    replace = {"mode": UpdateMode.REPLACE}
    for _, of_partition in groupby(rows, lambda row: row[1]["PartitionKey"]):
        for batch in _batches(of_partition):
            with translated(f"writing to table {table}"):
                client.submit_transaction([("upsert", row, replace) for row in batch])


def _batches(rows: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for more, row in rows:
        if batch and (len(batch) == _MOST_ROWS or size + more > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += more
    if batch:
        yield batch
