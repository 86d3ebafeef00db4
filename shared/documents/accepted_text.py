"""The text of an accepted document for people who look at it or edit a copy, and the place in it of each
problem that was found when it was accepted. PURE.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from shared.documents.json_reader.reader import read_json

_LAST_STEP = re.compile(r"\.[^.\[\]]+$|\[[^\[\]]*\]$")


def accepted_text(properties: Mapping[str, Any]) -> str:
    """`properties`: as GET shows them, without secrets."""
    return json.dumps({"properties": dict(properties)}, indent=2, ensure_ascii=False) + "\n"


def placed(text: str, problems: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Problems in their JSON form, with line and column of what they are about in `text`; where that stands
    in it no more (an older spelling, a secret), of what it stood in."""
    positions = read_json(text, len(text) * 4).positions()

    def at(path: str) -> tuple[int, int]:
        while path not in positions:
            shorter = _LAST_STEP.sub("", path)
            if shorter == path:
                return 0, 0
            path = shorter
        return positions[path]

    def shown(problem: Mapping[str, Any]) -> dict[str, Any]:
        line, column = at(str(problem.get("path", "$")))
        return dict(problem) | {"line": line, "column": column}

    return [shown(problem) for problem in problems]
