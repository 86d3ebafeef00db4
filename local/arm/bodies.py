"""What requests carry: bodies and filters, read with the service's refusals."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.arm.errors import bad_request
from local.arm.model import SetKey

_MOST_CAPACITY = 1000  #: of a flexible scale set
_OF_SET = re.compile(r"\s*'virtualMachineScaleSet/id'\s+eq\s+'(?P<id>[^']+)'\s*", re.IGNORECASE)
_SET_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.Compute/virtualMachineScaleSets/(?P<name>[^/]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SetBody:
    """The body of a PUT or PATCH of a scale set; None: not given."""

    location: str | None
    sku: str | None
    capacity: int | None
    tags: dict[str, str] | None
    properties: dict[str, Any] | None


def set_body(given: Any) -> SetBody:
    """Raises ArmError for what the service would refuse."""
    if not isinstance(given, Mapping):
        raise bad_request("InvalidRequestContent", "The request content was invalid: an object is expected.")
    sku = _object(given, "sku") or {}
    capacity = sku.get("capacity")
    if capacity is not None and (type(capacity) is not int or not 0 <= capacity <= _MOST_CAPACITY):
        raise bad_request(
            "InvalidParameter",
            f"The value '{capacity}' of parameter 'sku.capacity' is out of range 0 to 1000.",
        )
    tags = _object(given, "tags")
    if tags is not None and not all(isinstance(value, str) for value in tags.values()):
        raise bad_request("InvalidRequestContent", "The request content was invalid: tags must be texts.")
    properties = _object(given, "properties")
    if properties and str(properties.get("orchestrationMode", "Flexible")).lower() != "flexible":
        raise bad_request("InvalidParameter", "Only the orchestration mode Flexible is known here.")
    return SetBody(given.get("location"), sku.get("name"), capacity, tags, properties)


def instance_ids(given: Any) -> Sequence[str]:
    """Of a request to delete machines. Raises ArmError."""
    found = given.get("instanceIds") if isinstance(given, Mapping) else None
    if not isinstance(found, list) or not found or not all(isinstance(name, str) for name in found):
        raise bad_request("InvalidParameter", "Required parameter 'instanceIds' is missing (null).")
    return found


def set_of_filter(text: str) -> SetKey | None:
    """The scale set of a $filter of virtual machines; None without one. Raises ArmError for any other."""
    if not text:
        return None
    found = _OF_SET.fullmatch(text)
    named = _SET_ID.fullmatch(found["id"]) if found else None
    if not named:
        raise bad_request("InvalidParameter", f"The filter {text} is not known here.")
    return SetKey(named["subscription"], named["group"], named["name"])


def _object(given: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    value = given.get(name)
    if value is not None and not isinstance(value, dict):
        raise bad_request(
            "InvalidRequestContent", f"The request content was invalid: {name} must be an object."
        )
    return value
