"""The first try of a call, past the layers of the SDK.

Through the layers of its operations, policies, transports and sessions a call takes the SDK three times the
processor time that the request itself takes. Here a request with the headers and the signature of the SDK's
own policies is sent once. Good news is read by whoever asked for it. Anything else, a refusal or an error of
the network, is given to the SDK's operation in place of the answer to its own first request: it reads it,
tries again or raises, as ever.
"""

import io
from collections.abc import Mapping
from typing import Any

from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.rest import HttpRequest
from urllib3 import HTTPHeaderDict, HTTPResponse

from shared.stores.lean_session import LeanSession

#: Policies that only an operation of the SDK, or what follows it, has a use for: by the names of classes,
#: some of which are not exported.
_FOR_OPERATIONS = frozenset(
    {"ContentDecodePolicy", "CustomHookPolicy", "QueueMessagePolicy", "RangeHeaderPolicy", "StorageHosts"}
)
#: Without one of these a request is not authorised by its headers, and nothing is sent from here.
_AUTHORISING = (
    "BearerTokenChallengePolicy",
    "SharedKeyCredentialPolicy",
    "StorageBearerTokenCredentialPolicy",
)


class Answer:
    """What came back, if anything, read whole: its connection is free. Used once where the SDK is to judge
    it, as the pool of connections that its session asks."""

    def __init__(self, response: Any = None, error: Exception | None = None) -> None:
        """`response`: of urllib3. An answer that breaks off is an error."""
        self._error = error
        self._body = b""
        try:
            if response is not None:
                self._body = response.read()
        except Exception as broken:
            response, self._error = None, broken
        self.status: int = response.status if response is not None else 0
        self.headers: Mapping[str, str] = response.headers if response is not None else {}
        self._reason: str | None = response.reason if response is not None else None
        self.is_used = False

    def read(self) -> bytes | None:
        """The body; None where it is packed, which is for the SDK to undo."""
        return None if "Content-Encoding" in self.headers else self._body

    def urlopen(self, *_: Any, **__: Any) -> Any:
        """In place of the answer to a request: of `urllib3.HTTPConnectionPool`."""
        self.is_used = True
        if self._error:
            raise self._error
        headers = HTTPHeaderDict(self.headers)
        headers.discard("Transfer-Encoding")
        body = io.BytesIO(self._body)
        options: dict[str, Any] = {
            "reason": self._reason,
            "preload_content": False,
            "decode_content": False,
        }
        return HTTPResponse(body, headers, self.status, **options)


class FirstTry:
    """Sends for the clients that have one pipeline of the SDK. Thread-safe."""

    def __init__(self, pipeline: Any) -> None:
        policies = [getattr(policy, "_policy", policy) for policy in getattr(pipeline, "_impl_policies", ())]
        names = {type(policy).__name__ for policy in policies}
        self._transport: Any = getattr(pipeline, "_transport", None)
        self._prepare = [
            policy.on_request
            for policy in policies
            if hasattr(policy, "on_request") and type(policy).__name__ not in _FOR_OPERATIONS
        ]
        can_send = hasattr(self._transport, "first_try") and not names.isdisjoint(_AUTHORISING)
        self._can_send = can_send

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer | None:
        """Send it, once: what came back. None where this is the SDK's to do from the start."""
        if not self._can_send:
            return None
        request = HttpRequest(method, url, headers=dict(headers), content=body)
        prepared = PipelineRequest(request, PipelineContext(self._transport))
        try:
            for prepare in self._prepare:
                prepare(prepared)
        except AzureError:
            return None  # no token: how often that is tried is the SDK's
        answer: Answer | None = self._transport.first_try(request)
        return answer


def judged(answer: Answer | None) -> dict[str, Any]:
    """The option by which an operation of the SDK is given what came back."""
    return {"answer": answer} if answer else {}


def sent_by(session: Any, request: Any, timeout: tuple[float, float], verify: Any) -> Answer | None:
    """Send a request of the SDK's; None where the session is not ours."""
    if not isinstance(session, LeanSession):
        return None
    try:
        response = session.sent(
            request.method, request.url, request.headers, request.content, timeout, verify
        )
    except Exception as error:
        return Answer(error=error)
    return Answer(response)
