"""The queue of sweeps: a message says which sweep has something to do. Messages are hints: what the row says
counts, and what is lost the timer makes good."""

import json
from dataclasses import dataclass

from shared.names.sweep_ids import SweepId
from shared.stores.connection import Connection, translated

QUEUE = "sweeps"
_VERSION = 1
#: Seconds after which a message that nobody took is of no use: the timer has long been there.
_LIVES_SECONDS = 3600


@dataclass(frozen=True)
class SweepMessage:
    """Look at a sweep; `number`: only at this run, which has ended. None: at all of it."""

    id: SweepId
    number: int | None = None


class SweepQueue:
    """Sends messages; the Functions host receives them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, message: SweepMessage) -> None:
        """Have a sweep looked at. Raises StoreError."""
        with translated(f"queueing sweep {message.id}"):
            client = self._connection.queues.get_queue_client(QUEUE)
            client.send_message(to_text(message), time_to_live=_LIVES_SECONDS)


def to_text(message: SweepMessage) -> str:
    """The message as it travels: plain JSON."""
    body: dict[str, object] = {
        "v": _VERSION,
        "workspace": message.id.workspace,
        "experiment": message.id.experiment,
        "sweep": message.id.sweep,
    }
    return json.dumps(body if message.number is None else body | {"run": message.number})


def from_text(text: str | bytes) -> SweepMessage | None:
    """The inverse of `to_text`; None of what is no message of this version."""
    try:
        body = json.loads(text)
        if body["v"] != _VERSION:
            return None
        names = [body[name] for name in ("workspace", "experiment", "sweep")]
        number = body.get("run")
    except (ValueError, KeyError, TypeError):
        return None
    if not all(isinstance(name, str) for name in names) or not isinstance(number, int | None):
        return None
    return SweepMessage(SweepId(*names), number)
