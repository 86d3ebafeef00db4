"""JSON Schemas of the documents, made from the models, for editors. PURE."""

import json
from typing import Any

from shared.documents.models.base import Model
from shared.documents.models.cluster import ClusterSpec
from shared.documents.models.job import JobSpec
from shared.documents.rules.toolkits import SETTINGS

DIALECT = "http://json-schema.org/draft-07/schema#"
#: Members that only carry a remark may stand in any object.
REMARKS = "^(\\$comment|_?comment|//)$"


def job_schema() -> dict[str, Any]:
    """The JSON Schema (draft 7) of job.json."""
    schema = _document(JobSpec, "Batch AI job (job.json, API 2018-05-01)")
    one = [{"required": [name]} for name in SETTINGS]
    schema["definitions"]["JobSpec"]["oneOf"] = one
    return schema


def cluster_schema() -> dict[str, Any]:
    """The JSON Schema (draft 7) of cluster.json."""
    return _document(ClusterSpec, "Batch AI cluster (cluster.json, API 2018-05-01)")


def schema_text(schema: dict[str, Any]) -> str:
    """`schema` as it is kept in a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _document(model: type[Model], title: str) -> dict[str, Any]:
    inner = model.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    definitions = inner.pop("$defs", {})
    definitions[model.__name__] = inner
    for definition in definitions.values():
        _polish(definition)
    return {
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "required": ["properties"],
        "properties": {
            "$schema": {"type": "string", "description": "Where this schema is."},
            "properties": {"$ref": f"#/definitions/{model.__name__}"},
        },
        "patternProperties": {REMARKS: {}},
        "additionalProperties": False,
        "definitions": dict(sorted(definitions.items())),
    }


def _polish(definition: dict[str, Any]) -> None:
    """Let an editor mark misspelt members; drop what pydantic adds and no editor shows."""
    definition.pop("title", None)
    definition["additionalProperties"] = False
    definition["patternProperties"] = {REMARKS: {}}
    for member in definition.get("properties", {}).values():
        member.pop("title", None)
        _without_null(member)
        if isinstance(member.get("default"), dict | list):
            del member["default"]


def _without_null(member: dict[str, Any]) -> None:
    """`X or null, null by default` is how the models say that a member may be left out."""
    choices = [choice for choice in member.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        del member["anyOf"]
        member.update({key: value for key, value in choices[0].items() if key != "writeOnly"})
        if member.get("format") == "password":
            del member["format"]
    if "default" in member and member["default"] is None:
        del member["default"]
