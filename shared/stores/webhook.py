"""A webhook that takes CloudEvents over HTTP: single ones in structured mode, several as a batch, signed as
Standard Webhooks has it. On request it is first asked whether it wants any (the abuse protection of
CloudEvents' "HTTP 1.1 Web Hooks for Event Delivery")."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Sequence

import requests

from shared.stores.event_target import ANSWER_SECONDS, DeliveryError, Event, refusal

_SINGLE = "application/cloudevents+json; charset=utf-8"
_BATCH = "application/cloudevents-batch+json; charset=utf-8"
#: Connections that are kept: as many as are used at the same time.
_CONNECTIONS = 16


class Webhook:
    """An EventTarget. Answers beyond their headers are not read, redirections not followed."""

    def __init__(
        self,
        url: str,
        keys: Sequence[bytes],
        handshake: bool = False,
        origin: str = "",
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`keys`: each signs, so that the receiver may change from one to the next. `origin`: who asks, where
        `handshake` says that the receiver is asked before the first event."""
        self._url = url
        self._keys = tuple(keys)
        self._origin = origin
        self._clock = clock
        self._sleep = sleep
        self._allowed = not handshake
        self._pace_seconds = 0.0
        self._next = 0.0
        self._lock = threading.Lock()
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy or password of this machine's files
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=_CONNECTIONS)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def send(self, events: Sequence[Event]) -> None:
        """See EventTarget."""
        self._ask()
        batch = len(events) > 1
        body = json.dumps(events if batch else events[0], separators=(",", ":")).encode()
        first = str(events[0]["id"])
        message = f"{first}-{len(events)}" if batch else first
        headers = {"Content-Type": _BATCH if batch else _SINGLE, **self._signed(message, body)}
        answer = self._request("POST", headers, body)
        if not 200 <= answer.status_code < 300:
            raise refusal(answer.status_code, answer.headers.get("Retry-After"))

    def close(self) -> None:
        """See EventTarget."""
        self._session.close()

    def _signed(self, message: str, body: bytes) -> dict[str, str]:
        at = str(int(self._clock()))
        return {
            "webhook-id": message,
            "webhook-timestamp": at,
            "webhook-signature": " ".join(signature(key, message, at, body) for key in self._keys),
        }

    def _ask(self) -> None:
        """Whether it wants events, before the first one; and no more of them than it wants."""
        with self._lock:
            if not self._allowed:
                self._shake_hands()
            at = self._clock()
            wait = max(0.0, self._next - at)
            if wait > ANSWER_SECONDS:
                raise DeliveryError("the receiver of events wants no more of them now", pause_seconds=wait)
            self._next = at + wait + self._pace_seconds
        self._sleep(wait)

    def _shake_hands(self) -> None:
        answer = self._request("OPTIONS", {"WebHook-Request-Origin": self._origin})
        allowed = answer.headers.get("WebHook-Allowed-Origin", "")
        if not 200 <= answer.status_code < 300 or allowed not in ("*", self._origin):
            raise DeliveryError(
                f"the receiver of events was asked by OPTIONS and does not allow {self._origin}: it has to "
                "answer with WebHook-Allowed-Origin"
            )
        rate = answer.headers.get("WebHook-Allowed-Rate", "*").strip()
        self._pace_seconds = 60 / int(rate) if rate.isdecimal() and int(rate) else 0.0
        self._allowed = True

    def _request(self, method: str, headers: dict[str, str], body: bytes = b"") -> requests.Response:
        try:
            answer = self._session.request(
                method,
                self._url,
                data=body,
                headers=headers,
                timeout=(ANSWER_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,
            )
        except requests.RequestException as error:
            # The type alone: the message quotes the URL.
            text = f"the receiver of events did not answer ({type(error).__name__})"
            raise DeliveryError(text) from None
        if int(answer.headers.get("Content-Length") or 1):
            answer.close()  # whatever it says, nobody waits for it
        else:
            _ = answer.content  # nothing: the connection can be used again
        return answer


def signature(key: bytes, message: str, at: str, body: bytes) -> str:
    """One signature of Standard Webhooks: HMAC-SHA256 of id, time and body."""
    digest = hmac.new(key, f"{message}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
