"""Long-running operations as values: what was asked, carried in the address that shows its end. PURE.

The recorded service kept a record per operation. Here the record is the address itself: a guid as name, and
in the query (`t`) what is needed to know from the resource how the operation stands (docs/adr/0020).
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from shared.jobs.status_json import timestamp
from shared.names.ids import API_VERSION, NAME_PATTERN, PROVIDER, Scope, group_fault, group_in, name_in

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_CHARACTERS = 2_000


class Verb(StrEnum):
    """What an operation does to its resource."""

    CREATE = "create"
    DELETE = "delete"
    TERMINATE = "terminate"


@dataclass(frozen=True)
class Operation:
    """An accepted request. `identity` distinguishes the resource from a later one of the same name."""

    guid: str
    verb: Verb
    kind: str  #: as in shared.stores.workspace_table.Kind
    workspace: str
    experiment: str  #: "" where the resource lies in none
    name: str
    identity: str
    started: datetime

    @property
    def token(self) -> str:
        """Everything but the guid, fit for a query."""
        parts = [self.verb, self.kind, self.workspace, self.experiment, self.name, self.identity]
        text = json.dumps([*map(str, parts), self.started.timestamp()], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def operation_from(guid: str, token: str) -> Operation | None:
    """The operation of an address, or None where it is none of ours."""
    if not _GUID.fullmatch(guid) or len(token) > _MOST_CHARACTERS:
        return None
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        verb, kind, workspace, experiment, name, identity, started = json.loads(text)
        moment = datetime.fromtimestamp(float(started), UTC)
        found = Operation(guid, Verb(verb), kind, workspace, experiment, name, identity, moment)
    except (ValueError, TypeError, OverflowError, OSError, binascii.Error, RecursionError):
        return None
    texts = (found.kind, found.workspace, found.name, found.experiment, found.identity)
    if not all(isinstance(text, str) for text in texts):
        return None
    # A workspace may be named with its resource group.
    group, workspace = group_in(found.workspace), name_in(found.workspace)
    name = workspace if found.kind == "workspace" else found.name
    valid = all(NAME_PATTERN.match(text) for text in (found.kind, workspace, name, found.experiment or "-"))
    valid = valid and not (group and group_fault(group)) and found.name in (name, found.workspace)
    return found if valid else None


def addresses(operation: Operation, base: str, scope: Scope, location: str) -> tuple[str, str]:
    """(Azure-AsyncOperation, Location): operationresults and operationstatuses, in the original's order."""
    root = f"{base}/subscriptions/{scope.subscription_id}/providers/{PROVIDER}/locations/{location}"
    rest = f"{operation.guid}?api-version={API_VERSION}&t={operation.token}"
    return f"{root}/operationresults/{rest}", f"{root}/operationstatuses/{rest}"


@dataclass(frozen=True)
class Progress:
    """How an operation stands: ended None while it continues; `error` (code, message) where it failed."""

    ended: datetime | None
    error: tuple[str, str] | None = None

    @property
    def status(self) -> str:
        if self.ended is None:
            return "InProgress"
        return "Failed" if self.error else "Succeeded"


def operation_body(operation: Operation, progress: Progress, url: str, scope: Scope) -> dict[str, Any]:
    """What GET of Azure-AsyncOperation answers. `url`: the address without its query."""
    body: dict[str, Any] = {"id": url, "name": operation.guid, "status": progress.status}
    body["startTime"] = timestamp(operation.started)
    if progress.ended:
        body["endTime"] = timestamp(progress.ended)
        body["properties"] = {"resourceId": resource_id(operation, scope)}
    if progress.error:
        body["error"] = {"code": progress.error[0], "message": progress.error[1]}
    return body


def resource_id(operation: Operation, scope: Scope) -> str:
    """The original's own form: <subscription>$<resource group>$<workspace>[$<experiment>][$<name>]."""
    workspace = operation.workspace
    parts = [scope.subscription_id, scope.group_of(workspace), name_in(workspace), operation.experiment]
    if operation.kind != "workspace":
        parts.append(operation.name)
    return "$".join(part for part in parts if part)
