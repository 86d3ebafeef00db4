"""What the host knows about one function of the app."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Microsoft's prefix of function ids in receipts, internal messages and webhook addresses.
FUNCTION_ID_PREFIX = "Host.Functions."


@dataclass(frozen=True)
class BlobTrigger:
    """Runs for blobs that match `path`: found by listing, or announced by an event (`event_grid`)."""

    path: str  #: container/pattern, %SETTING% already filled in
    connection: str
    event_grid: bool


@dataclass(frozen=True)
class QueueTrigger:
    """Runs for each message of a storage queue."""

    queue: str
    connection: str


@dataclass(frozen=True)
class TimerTrigger:
    """Runs on a schedule (NCRONTAB or TimeSpan, UTC)."""

    schedule: str
    run_on_startup: bool
    use_monitor: bool


@dataclass(frozen=True)
class HttpTrigger:
    """Runs for requests. `methods` empty means every method."""

    route: str
    methods: frozenset[str]


Trigger = BlobTrigger | QueueTrigger | TimerTrigger | HttpTrigger


@dataclass(frozen=True)
class Function:
    """One function of the app, ready to be called."""

    name: str
    call: Callable[..., Any]
    trigger: Trigger
    argument: str  #: name of the parameter that gets the trigger's value
    wants_bytes: bool  #: the parameter is annotated `bytes`: give the content itself
    wants_context: bool
    is_async: bool
    directory: str

    @property
    def function_id(self) -> str:
        return FUNCTION_ID_PREFIX + self.name


@dataclass(frozen=True)
class Timing:
    """What the command line may change about time."""

    poll_seconds: float  #: between two listings of a container (the real host: 10)
    lock_seconds: float  #: how long a message is held without renewal (the real host: 600)
    blob_changes: Path | None = None  #: where the emulator says which blobs are written
