"""The JSON Schema of sweep.json, for editors: the job's, in which placeholders may stand, and what is around
it. PURE."""

from typing import Any

from shared.documents.json_schema import DIALECT, REMARKS, job_schema
from shared.sweeps.metric_patterns import MOST_PATTERN
from shared.sweeps.parameters import MOST_RUNS

_HOLDER = {"type": "string", "pattern": r"\$\{\{", "description": "A placeholder: ${{ name }}."}
_VALUE = {"type": ["string", "number", "boolean"]}
_WHOLE = {"type": "integer", "minimum": 1, "maximum": MOST_RUNS}


def sweep_schema() -> dict[str, Any]:
    """The JSON Schema (draft 7) of sweep.json."""
    job = job_schema()
    definitions = {name: _with_placeholders(each) for name, each in job["definitions"].items()}
    definitions |= {"Job": _object("The job document.", {"properties": _ref("JobSpec")}, ["properties"])}
    definitions |= {"Range": _range(), "Random": _random(), "Metric": _metric(), "SweepSpec": _sweep()}
    properties = {
        "$schema": {"type": "string", "description": "Where this schema is."},
        "properties": _ref("SweepSpec"),
    }
    schema = _object("", properties, ["properties"])
    del schema["description"]
    head = {"$schema": DIALECT, "title": "Sweep of a Batch AI job (sweep.json)"}
    return head | schema | {"definitions": dict(sorted(definitions.items()))}


def _sweep() -> dict[str, Any]:
    row = {"type": "object", "minProperties": 1, "additionalProperties": _VALUE}
    parameter = {
        "anyOf": [{"type": "array", "minItems": 1, "items": _VALUE}, _ref("Range")],
        "description": "A list of values, or a range.",
    }
    parameters = {"type": "object", "minProperties": 1, "additionalProperties": parameter}
    spec = _object(
        "One job document with parameters, and the runs that come of it.",
        {
            "parameters": parameters | {"description": "Every combination is a run, or random ones are."},
            "rows": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_RUNS,
                "items": row,
                "description": "The parameters of each run.",
            },
            "array": {
                "type": "string",
                "pattern": r"^\s*\d+\s*-\s*\d+\s*$",
                "description": 'Runs that differ by their index only: "0-99".',
            },
            "random": _described("Random"),
            "maxConcurrent": _WHOLE | {"description": "Runs that are queued or running at once."},
            "maxFailures": _WHOLE | {"description": "The sweep ends once so many runs have failed."},
            "metric": _described("Metric"),
            "job": _described("Job"),
        },
        ["job"],
    )
    return spec | {"oneOf": [{"required": [way]} for way in ("parameters", "rows", "array")]}


def _range() -> dict[str, Any]:
    number = {"type": "number"}
    return _object(
        "From one number to another.",
        {
            "from": number | {"description": "The first value."},
            "to": number | {"description": "The last value, inclusive."},
            "step": number | {"exclusiveMinimum": 0, "description": "Between one value and the next."},
            "count": _WHOLE | {"description": "How many values, evenly apart."},
            "scale": {"enum": ["linear", "log"], "description": "Evenly by value or by its logarithm."},
            "whole": {"type": "boolean", "description": "Whole numbers only."},
        },
        ["from", "to"],
    )


def _random() -> dict[str, Any]:
    return _object(
        "Draw the parameters of each run.",
        {
            "seed": {"type": "integer", "minimum": 0, "description": "The same seed gives the same runs."},
            "count": _WHOLE | {"description": "How many runs."},
        },
        ["seed", "count"],
    )


def _metric() -> dict[str, Any]:
    return _object(
        "What runs are compared by.",
        {
            "key": {"type": "string", "description": "Its last value in the metrics file."},
            "pattern": {
                "type": "string",
                "maxLength": MOST_PATTERN,
                "description": "Regular expression; the last line of the log that matches has the value.",
            },
            "log": {"type": "string", "description": "The log that pattern is for. Default: stdout."},
            "goal": {"enum": ["maximize", "minimize"], "description": "Which values are better."},
        },
        ["goal"],
    ) | {"oneOf": [{"required": ["key"]}, {"required": ["pattern"]}]}


def _object(description: str, members: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "required": required,
        "properties": members,
        "patternProperties": {REMARKS: {}},
        "additionalProperties": False,
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def _described(name: str) -> dict[str, Any]:
    return _ref(name) | {"description": f"See {name}."}


def _with_placeholders(definition: dict[str, Any]) -> dict[str, Any]:
    """A definition whose members that are no texts, lists or objects may be placeholders."""
    members = {name: _or_placeholder(member) for name, member in definition.get("properties", {}).items()}
    return definition | {"properties": members}


def _or_placeholder(member: dict[str, Any]) -> dict[str, Any]:
    strict = member.get("type") in ("integer", "number", "boolean") or "enum" in member or "format" in member
    if not strict:
        return member
    kept = {key: value for key, value in member.items() if key in ("description", "default")}
    return kept | {"anyOf": [{k: v for k, v in member.items() if k not in kept}, dict(_HOLDER)]}
