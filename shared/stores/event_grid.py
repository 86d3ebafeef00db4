"""An Event Grid topic that takes CloudEvents: the machine's identity signs in, or a key of the topic where
the settings name one.

The request is the one that azure-eventgrid makes (a test holds it to that), sent by azure-core. That client
repeats a request for as long as its receiver asks for, and takes no limit of time (docs/adr/0372).
"""

import json
from collections.abc import Sequence
from typing import Any

from azure.core import PipelineClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import (
    AzureKeyCredentialPolicy,
    BearerTokenCredentialPolicy,
    UserAgentPolicy,
)
from azure.core.rest import HttpRequest

from shared.stores.event_target import ANSWER_SECONDS, DeliveryError, Event, refusal
from shared.stores.identity import ImpatientIdentity

_SCOPE = "https://eventgrid.azure.net/.default"
_KEY_HEADER = "aeg-sas-key"
_API_VERSION = "2018-01-01"
_BATCH = "application/cloudevents-batch+json; charset=utf-8"


class EventGridTopic:
    """An EventTarget. Redirections are not followed."""

    def __init__(self, url: str, key: str = "", credential: Any = None, **options: Any) -> None:
        """`key`: of the topic; "": the machine's identity (`credential` None). `options`: of each request, as
        azure-core has them."""
        self._url = url
        signs: Any = (
            AzureKeyCredentialPolicy(AzureKeyCredential(key), _KEY_HEADER)
            if key
            else BearerTokenCredentialPolicy(credential or ImpatientIdentity(), _SCOPE)
        )
        self._client: PipelineClient[HttpRequest, Any] = PipelineClient(
            url, policies=[UserAgentPolicy(sdk_moniker="batchai"), signs]
        )
        self._options = options

    def send(self, events: Sequence[Event]) -> None:
        """See EventTarget."""
        request = HttpRequest(
            "POST",
            self._url,
            params={"api-version": _API_VERSION},
            headers={"Content-Type": _BATCH},
            content=json.dumps(list(events), separators=(",", ":")).encode(),
        )
        limits: dict[str, Any] = {"connection_timeout": ANSWER_SECONDS, "read_timeout": ANSWER_SECONDS}
        try:
            answer = self._client.send_request(request, **limits, **self._options)
        except AzureError as error:
            # The type alone: the message quotes the URL.
            raise DeliveryError(f"the Event Grid topic did not answer ({type(error).__name__})") from None
        if not 200 <= answer.status_code < 300:
            raise refusal(answer.status_code, answer.headers.get("Retry-After"))

    def close(self) -> None:
        """See EventTarget."""
        self._client.close()
