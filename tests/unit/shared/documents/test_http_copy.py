"""The copy of a document that came over HTTP: known in its own place unchanged, and nowhere else."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.documents.http_copy import http_copy, is_http_copy

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.BatchAI/workspaces/w/experiments/e/jobs/j"
PROPERTIES: dict[str, Any] = {"nodeCount": 1, "secrets": [{"name": "TOKEN"}], "text": "ü"}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=False).encode()


def test_unchanged_in_its_own_place() -> None:
    assert is_http_copy(written(http_copy(ID, PROPERTIES)), ID)
    assert is_http_copy(written(http_copy(ID, PROPERTIES)), ID.upper()), "names of resources ignore case"


def test_laid_out_differently_it_says_the_same() -> None:
    assert is_http_copy(json.dumps(http_copy(ID, PROPERTIES), sort_keys=True).encode(), ID)


def test_edited_it_is_a_document() -> None:
    copy = http_copy(ID, PROPERTIES)
    copy["properties"]["nodeCount"] = 2
    assert not is_http_copy(written(copy), ID)


def test_elsewhere_it_is_a_document() -> None:
    assert not is_http_copy(written(http_copy(ID, PROPERTIES)), ID + "2")


def test_without_its_mark_it_is_a_document() -> None:
    copy = http_copy(ID, PROPERTIES)
    del copy["$batchai"]
    assert not is_http_copy(written(copy), ID)


@given(st.dictionaries(st.text(), json_values))
def test_any_properties(properties: dict[str, Any]) -> None:
    assert is_http_copy(json.dumps(http_copy(ID, properties)).encode(), ID)


@given(st.binary() | st.builds(lambda v: json.dumps({"$batchai": v, "properties": v}).encode(), json_values))
def test_nothing_raises(data: bytes) -> None:
    assert not is_http_copy(data, ID)
    assert not is_http_copy(b'"$batchai"' + data, ID)
