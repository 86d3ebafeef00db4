"""Rows become JSON and rows again, with the types of their columns."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.data.tables import EdmType, EntityProperty

from shared.stores.table_dump import _batches, dumped, loaded
from tests.support.cases import cases

KEYS = {"PartitionKey": "p", "RowKey": "r"}


@cases(
    "value",
    [
        "text with \u00e9 and \U0001f600",
        "",
        True,
        7,
        -1,
        1.5,
        3.0,
        1e300,
        b"\x00\xff",
        uuid.UUID(int=5),
        datetime(2026, 11, 29, 1, 2, 3, 456789, UTC),
        EntityProperty(2**40, EdmType.INT64),
    ],
)
def test_a_value_comes_back_with_its_type(value: Any) -> None:
    entity = {**KEYS, "Column": value}
    back = loaded(json.loads(json.dumps(dumped(entity))))
    assert back == entity
    assert type(back["Column"]) is type(value)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"PartitionKey": "p"}, "without PartitionKey and RowKey"),
        ({**KEYS, "A": "1", "A@odata.type": "Edm.Decimal"}, "column A has the type Edm.Decimal"),
        ({**KEYS, "A": 1, "A@odata.type": "Edm.Int64"}, "column A has the type Edm.Int64"),
        ({**KEYS, "A": "x", "A@odata.type": "Edm.Int64"}, "invalid literal"),
    ],
)
def test_what_was_not_made_here_is_refused(row: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        loaded(row)


def test_transactions_are_of_a_size_that_the_service_takes() -> None:
    sizes = [1_000_000] * 5 + [10] * 250
    batches = list(_batches((size, {**KEYS, "Number": number}) for number, size in enumerate(sizes)))
    assert [len(batch) for batch in batches] == [3, 100, 100, 52]
    assert [row["Number"] for batch in batches for row in batch] == list(range(255))
