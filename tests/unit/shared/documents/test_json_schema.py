"""The exported JSON Schemas: fresh, valid, and in agreement with the reader."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared.documents.json_schema import cluster_schema, job_schema, schema_text
from shared.sweeps.json_schema import sweep_schema
from tests.support.documents import CLUSTER, JOB, changed

SCHEMAS = Path(__file__).parents[4] / "schemas"


@pytest.mark.parametrize(
    ("name", "make"),
    [("job", job_schema), ("cluster", cluster_schema), ("sweep", sweep_schema)],
)
def test_the_files_are_what_the_models_say(name: str, make: Callable[[], dict[str, Any]]) -> None:
    schema = make()
    jsonschema.Draft7Validator.check_schema(schema)

    kept = (SCHEMAS / f"{name}.json").read_text("utf-8")
    assert kept == schema_text(schema), "stale: run python scripts/export_schemas.py"


def faults(schema: dict[str, Any], properties: dict[str, Any]) -> list[str]:
    document = {"$schema": "../schemas/job.json", "properties": properties}
    return [fault.json_path for fault in jsonschema.Draft7Validator(schema).iter_errors(document)]


def test_good_documents_pass() -> None:
    assert faults(job_schema(), changed(JOB, comment="x", schedulingPriority="low")) == []
    assert faults(cluster_schema(), CLUSTER) == []


def test_an_editor_marks_what_the_reader_refuses_or_warns_of() -> None:
    assert faults(job_schema(), changed(JOB, nodeCuont=1)) == ["$.properties"]
    assert faults(job_schema(), changed(JOB, nodeCount=0)) == ["$.properties.nodeCount"]
    assert faults(job_schema(), changed(JOB, caffe2Settings={"pythonScriptFilePath": "x"})) == [
        "$.properties"
    ]
    assert faults(job_schema(), changed(JOB, schedulingPriority="urgent")) == [
        "$.properties.schedulingPriority"
    ]


def test_every_member_is_described() -> None:
    for schema in (job_schema(), cluster_schema()):
        for name, definition in schema["definitions"].items():
            assert definition.get("description"), name
            for member, reported in definition["properties"].items():
                assert reported.get("description"), f"{name}.{member}"


def test_the_recipes_pass(corpus: Path) -> None:
    """Recipes written for 2018-05-01; those that call themselves 2017 pass too."""
    validator = jsonschema.Draft7Validator(job_schema())
    recipes = sorted((corpus / "recipes").glob("recipes__*.json"))

    assert len(recipes) == 17
    for recipe in recipes:
        assert list(validator.iter_errors(json.loads(recipe.read_text("utf-8-sig")))) == [], recipe.name
