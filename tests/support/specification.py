"""Microsoft's specification of the API (Swagger 2.0), as a judge of answers.

Read from the collection of real documents beside the checkout; tests without it judge nothing. Stricter than
the file: an answer may hold no member that it does not declare, but for those that `BEYOND` names.
"""

import json
import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

_FILE = "swagger/BatchAI.json"
#: Members that the specification does not declare: two that the recorded service sent, and ours, of which
#: docs/reference/rest-api.md says.
BEYOND = {
    "JobProperties": (
        "experimentName",
        "maxJobDurationSeconds",
        "attempt",
        "waiting",
        "timeline",
        "submittedBy",
        "sweep",
    )
}
_FORMATS = FormatChecker(())


def corpus() -> Path | None:
    """The collection of real documents, None where it is absent."""
    path = Path(os.environ.get("BATCHAI_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
    return path if path.is_dir() else None


@_FORMATS.checks("date-time", ValueError)
def _date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_FORMATS.checks("int32")
def _int32(value: object) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


@_FORMATS.checks("duration")
def _duration(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"P(\d+W|(\d+D)?(T[\dHMS.]+)?)", value) is not None


@dataclass
class Specification:
    """The operations of the file, and which of their answers have been seen."""

    document: dict[str, Any]
    seen: set[tuple[str, int]] = field(default_factory=set)

    def operations(self) -> set[str]:
        return {o["operationId"] for methods in self.document["paths"].values() for o in methods.values()}

    def judge(self, answer: httpx.Response) -> None:
        """Hold an answer against its operation; what belongs to none (ours, wrong addresses) passes."""
        request = answer.request
        operation = self._operation(request.method, request.url.path)
        if operation is None or answer.status_code >= 500:
            return
        name, status = operation["operationId"], answer.status_code
        declared = operation["responses"].get(str(status)) or operation["responses"].get("default")
        if declared is None:  # Operations_List and Usages_List declare no errors; ours are ARM's.
            assert status >= 400, f"{name} answered {status}, which is not declared"
            declared = {"schema": {"$ref": "#/definitions/CloudError"}}
        elif str(status) not in operation["responses"]:
            assert status >= 400, f"{name} answered {status}, which is not declared"
        self.seen.add((name, status))
        answer.read()
        if "schema" not in declared:
            assert answer.content == b"", f"{name} {status} has a body: {answer.text[:200]}"
            return
        self._hold(declared["schema"], answer.json(), f"{name} {status}")

    def hold(self, definition: str, body: Any) -> None:
        """Hold a body against a definition by name."""
        self._hold({"$ref": f"#/definitions/{definition}"}, body, definition)

    def _hold(self, schema: dict[str, Any], body: Any, where: str) -> None:
        whole = schema | {"definitions": self.document["definitions"]}
        faults = Draft202012Validator(whole, format_checker=_FORMATS).iter_errors(body)
        seen = [f"{where}: {fault.json_path}: {fault.message[:400]}" for fault in faults]
        assert not seen, "\n".join(seen)

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for template, methods in self.document["paths"].items():
            parts = ("[^/]+" if p.startswith("{") else re.escape(p) for p in template.split("/"))
            if re.fullmatch("/".join(parts), path, re.IGNORECASE):
                found: dict[str, Any] | None = methods.get(method.lower())
                return found
        return None


def specification() -> Specification | None:
    """The specification, None where the collection is absent."""
    found = corpus()
    if found is None:
        return None
    document = json.loads((found / _FILE).read_text())
    _close(document["definitions"])
    return Specification(document)


def _close(definitions: dict[str, Any]) -> None:
    """Let every definition that is no base of others refuse members that it does not declare."""
    for name, members in BEYOND.items():
        definitions[name]["properties"] |= {member: {} for member in members}
    bases = {r["$ref"].rpartition("/")[2] for d in definitions.values() for r in d.get("allOf", ())}
    for name, definition in definitions.items():
        if "properties" in definition:
            definition["type"] = "object"
            if name not in bases:
                definition["unevaluatedProperties"] = False
    for name in bases & {"Resource", "ProxyResource"}:
        # An answer without these is no resource; the file requires nothing.
        definitions[name]["required"] = ["id", "name", "type"]
