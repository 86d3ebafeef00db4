"""Whom events are sent to: what a webhook (webhook.py) and a topic (event_grid.py) have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from shared.errors import BatchAIError

#: Seconds for which anybody waits for an answer.
ANSWER_SECONDS = 5.0
#: Answers that are about these events, and not about whoever asks or about the moment.
REFUSALS = frozenset((400, 413, 415, 422))

Event = Mapping[str, Any]  #: as the JSON of CloudEvents has it


class DeliveryError(BatchAIError):
    """Events were not taken, or nobody knows. The text names no URL: it may hold a secret.

    `refused`: the receiver will have nothing of these events, others it may take.
    `pause_seconds`: how long it asks to be left alone; None: it does not say.
    """

    def __init__(self, message: str, refused: bool = False, pause_seconds: float | None = None) -> None:
        super().__init__(message)
        self.refused = refused
        self.pause_seconds = pause_seconds


class EventTarget(Protocol):
    """Takes events. Thread-safe."""

    def send(self, events: Sequence[Event]) -> None:
        """One request. On return the receiver has taken all of them. Raises DeliveryError."""

    def close(self) -> None:
        """Close the connections."""


def refusal(status: int, retry_after: str | None) -> DeliveryError:
    """The error of an answer that is not 2xx."""
    pause = float(retry_after) if retry_after and retry_after.isdecimal() else None
    return DeliveryError(f"the receiver of events answered {status}", status in REFUSALS, pause)
