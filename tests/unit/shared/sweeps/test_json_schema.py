"""The schema of sweep.json agrees with the reader."""

import functools
import json
from typing import Any

import jsonschema

from shared.sweeps.json_schema import sweep_schema
from tests.support.cases import cases
from tests.support.sources import PROJECT
from tests.support.sweep_documents import document


@functools.cache
def validator() -> Any:
    return jsonschema.Draft7Validator(sweep_schema())


def test_good_documents_pass() -> None:
    for text in (
        document(),
        document({"nodeCount": "${{ x }}"}),
        document(parameters={"x": {"from": 1, "to": 2, "count": 3, "scale": "log"}}, maxConcurrent=2),
        document(random={"seed": 1, "count": 5}, metric={"key": "a", "goal": "maximize"}),
        document(parameters=None, rows=[{"x": 1}]),
        document(parameters=None, array="0-9", metric={"pattern": "a", "goal": "minimize", "log": "stderr"}),
        json.loads((PROJECT / "examples/sweep/sweep.json").read_text()),
    ):
        assert list(validator().iter_errors(text)) == []


@cases(
    "wrong",
    [
        {"maxConcurrent": 0},
        {"parameters": {"x": []}},
        {"parameters": {"x": {"from": 1}}},
        {"rows": [{"x": 1}]},
        {"random": {"seed": 1}},
        {"metric": {"goal": "best", "key": "a"}},
        {"metric": {"goal": "maximize"}},
        {"maxConcurent": 1},
        {"job": {"properties": {"nodeCount": "x"}}},
    ],
)
def test_an_editor_marks_what_the_reader_refuses_or_warns_of(wrong: dict[str, Any]) -> None:
    assert list(validator().iter_errors(document(**wrong)))
