"""The copy of a document that came over HTTP, as it is shown in the drop container. PURE.

It holds no secret, says whose copy it is, and carries a hash of what it says. The blob trigger sees it like
any dropped file: an unchanged copy in its own place asks for nothing (docs/adr/0021). Edited or moved
elsewhere it is a document like any other.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_MARK = "$batchai"
_REMARK = "Copy of a document that came over HTTP, without its secrets. Dropped unchanged, it does nothing."


def http_copy(arm_id: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The copy to show for the resource `arm_id`; `properties` must hold no secret."""
    return {
        "$comment": _REMARK,
        _MARK: {"id": arm_id, "sha256": _digest(properties)},
        "properties": dict(properties),
    }


def is_http_copy(data: bytes, arm_id: str) -> bool:
    """Whether `data` is the unchanged copy of the document of `arm_id`."""
    if f'"{_MARK}"'.encode() not in data:
        return False
    try:
        document = json.loads(data)
        mark, properties = document[_MARK], document["properties"]
        same_place = str(mark["id"]).lower() == arm_id.lower()
        return same_place and isinstance(properties, dict) and mark["sha256"] == _digest(properties)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _digest(properties: Mapping[str, Any]) -> str:
    text = json.dumps(properties, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
