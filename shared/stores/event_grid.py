"""An Event Grid topic that takes CloudEvents, by its own client: the machine's identity signs in, or a key of
the topic where the settings name one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError

from shared.stores.event_target import ANSWER_SECONDS, DeliveryError, Event, refusal
from shared.stores.identity import ImpatientIdentity

#: Attributes that the client takes as such; the others are extensions.
_ATTRIBUTES = frozenset(("source", "type", "data", "id", "subject", "datacontenttype"))


class EventGridTopic:
    """An EventTarget."""

    def __init__(self, url: str, key: str = "", credential: Any = None, **options: Any) -> None:
        """`key`: of the topic; "": the machine's identity (`credential` None). `options`: of the client."""
        # Imported late: nobody else needs the client.
        from azure.core.credentials import AzureKeyCredential
        from azure.eventgrid import EventGridPublisherClient

        signs = AzureKeyCredential(key) if key else credential or ImpatientIdentity()
        self._client = EventGridPublisherClient(
            url,
            signs,
            retry_total=0,  # whoever sends tries again himself
            connection_timeout=ANSWER_SECONDS,
            read_timeout=ANSWER_SECONDS,
            **options,
        )

    def send(self, events: Sequence[Event]) -> None:
        """See EventTarget."""
        try:
            self._client.send([_cloud_event(event) for event in events])
        except HttpResponseError as error:
            answer: Any = error.response
            headers = answer.headers if answer is not None else {}
            raise refusal(error.status_code or 0, headers.get("Retry-After")) from None
        except AzureError as error:
            text = f"the Event Grid topic did not answer ({type(error).__name__})"
            raise DeliveryError(text) from None

    def close(self) -> None:
        """See EventTarget."""
        self._client.close()


def _cloud_event(event: Event) -> Any:
    from azure.core.messaging import CloudEvent

    extensions = {
        name: value for name, value in event.items() if name not in (*_ATTRIBUTES, "time", "specversion")
    }
    at = datetime.fromisoformat(event["time"])
    return CloudEvent(
        **{name: event[name] for name in _ATTRIBUTES if name in event}, time=at, extensions=extensions
    )
