"""Who is sent events, on the wire: a webhook, and an Event Grid topic by its own client."""

import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from standardwebhooks.webhooks import Webhook as Verifier

from shared.stores.event_grid import EventGridTopic
from shared.stores.event_target import DeliveryError, Event
from shared.stores.webhook import Webhook
from tests.support.event_receiver import SECRET, Hook, hook
from tests.support.sources import PROJECT
from tests.support.tls import tls_server

KEY = b"kkk" * 10 + b"kk"


def event(number: int = 1, **more: Any) -> Event:
    uuid = "4b24a36b-e8aa-44d9-a068-7374ffa63a90"
    return {
        "specversion": "1.0",
        "id": f"{uuid}-{number}",
        "source": "/subscriptions/s/resourceGroups/g/providers/Microsoft.BatchAI/workspaces/w",
        "type": "batchai.job.queued",
        "subject": "/subscriptions/s/resourceGroups/g/providers/Microsoft.BatchAI/workspaces/w/jobs/j",
        "time": "2026-03-01T12:00:00.000Z",
        "datacontenttype": "application/json",
        "sequence": f"{number:06d}",
        **more,
        "data": {"job": "j", "text": "ünï"},
    }


@pytest.fixture
def receiver() -> Iterator[Hook]:
    with hook() as made:
        yield made


@pytest.fixture
def target(receiver: Hook) -> Iterator[Webhook]:
    made = Webhook(receiver.url, [KEY])
    yield made
    made.close()


def test_one_event_in_structured_mode(receiver: Hook, target: Webhook) -> None:
    target.send([event(traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")])
    (request,) = receiver.of("POST")
    read = from_structured_event(HTTPMessage(dict(request.headers), request.body))
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert (read.get_id(), read.get_data()) == (event()["id"], event()["data"])
    assert read.get_extension("sequence") == "000001"


def test_several_as_a_batch(receiver: Hook, target: Webhook) -> None:
    target.send([event(1), event(2)])
    (request,) = receiver.of("POST")
    assert request.headers["content-type"] == "application/cloudevents-batch+json; charset=utf-8"
    assert json.loads(request.body) == [event(1), event(2)]


def test_the_signature_is_that_of_standard_webhooks(receiver: Hook, target: Webhook) -> None:
    target.send([event()])
    target.send([event(), event(2)])
    for request in receiver.of("POST"):
        assert Verifier(SECRET).verify(request.body, dict(request.headers)) == json.loads(request.body)
        with pytest.raises(Exception, match="No matching signature"):
            Verifier(SECRET).verify(request.body + b" ", dict(request.headers))
    single, batch = receiver.of("POST")
    assert single.headers["webhook-id"] == event()["id"]
    assert batch.headers["webhook-id"] != single.headers["webhook-id"]


def test_the_page_shows_how_to_check_it(receiver: Hook, target: Webhook) -> None:
    page = (PROJECT / "docs/reference/events.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # the example of the page
    target.send([event()])
    (request,) = receiver.of("POST")
    assert names["is_genuine"](SECRET, request.headers, request.body)
    assert not names["is_genuine"](SECRET, request.headers, request.body + b" ")
    late = {**request.headers, "webhook-timestamp": "1"}
    assert not names["is_genuine"](SECRET, late, request.body)


def test_with_two_keys_each_signs(receiver: Hook) -> None:
    target = Webhook(receiver.url, [b"n" * 32, KEY])
    target.send([event()])
    target.close()
    (request,) = receiver.of("POST")
    assert len(request.headers["webhook-signature"].split()) == 2
    Verifier(SECRET).verify(request.body, dict(request.headers))


@pytest.mark.parametrize(
    ("status", "headers", "refused", "pause"),
    [
        (500, {}, False, None),
        (503, {"Retry-After": "17"}, False, 17.0),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, False, None),
        (400, {}, True, None),
        (401, {}, False, None),
        (404, {}, False, None),
        (302, {"Location": "http://127.0.0.1:1/elsewhere"}, False, None),
    ],
)
def test_answers_that_are_no_yes(
    receiver: Hook, target: Webhook, status: int, headers: dict[str, str], refused: bool, pause: float | None
) -> None:
    receiver.answers["POST"] = (status, headers)
    with pytest.raises(DeliveryError) as caught:
        target.send([event()])
    assert (caught.value.refused, caught.value.pause_seconds) == (refused, pause)
    assert str(status) in str(caught.value)


def test_no_answer_in_time(receiver: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.stores.webhook.ANSWER_SECONDS", 0.3)
    receiver.hold = threading.Event()
    target = Webhook(receiver.url + "?sig=s3cret", [KEY])
    with pytest.raises(DeliveryError, match="did not answer") as caught:
        target.send([event()])
    receiver.hold.set()
    target.close()
    assert "s3cret" not in str(caught.value) and "127.0.0.1" not in str(caught.value)


def test_nobody_there() -> None:
    target = Webhook("http://127.0.0.1:1/hook?sig=s3cret", [KEY])
    with pytest.raises(DeliveryError, match="ConnectionError") as caught:
        target.send([event()])
    target.close()
    assert "s3cret" not in str(caught.value)


def test_a_connection_is_used_again(receiver: Hook, target: Webhook) -> None:
    for _ in range(3):
        target.send([event()])
    assert len({request.client for request in receiver.requests}) == 1


# ---- the handshake


def asking(receiver: Hook, **options: Any) -> Webhook:
    return Webhook(receiver.url, [KEY], handshake=True, origin="batchai.example.com", **options)


@pytest.mark.parametrize("allowed", ["*", "batchai.example.com"])
def test_a_receiver_that_agrees_is_asked_once(receiver: Hook, allowed: str) -> None:
    receiver.answers["OPTIONS"] = (200, {"WebHook-Allowed-Origin": allowed})
    target = asking(receiver)
    target.send([event()])
    target.send([event(2)])
    target.close()
    (asked,) = receiver.of("OPTIONS")
    assert asked.headers["webhook-request-origin"] == "batchai.example.com"
    assert len(receiver.of("POST")) == 2


@pytest.mark.parametrize("answer", [(405, {}), (200, {}), (200, {"WebHook-Allowed-Origin": "other.example"})])
def test_a_receiver_that_does_not_agree_is_sent_nothing(
    receiver: Hook, answer: tuple[int, dict[str, str]]
) -> None:
    receiver.answers["OPTIONS"] = answer
    target = asking(receiver)
    with pytest.raises(DeliveryError, match="WebHook-Allowed-Origin"):
        target.send([event()])
    target.close()
    assert receiver.of("POST") == []


def test_a_receiver_that_wants_few(receiver: Hook) -> None:
    receiver.answers["OPTIONS"] = (200, {"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "60"})
    now, slept = [100.0], list[float]()
    target = asking(receiver, clock=lambda: now[0], sleep=slept.append)
    for _ in range(6):
        target.send([event()])
    with pytest.raises(DeliveryError) as caught:
        target.send([event()])
    assert caught.value.pause_seconds == 6
    assert slept == [0, 1, 2, 3, 4, 5]
    target.close()


# ---- Event Grid


class Topic:
    """A stand-in of a topic's endpoint: what arrived there."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: tuple[int, dict[str, str]] = (200, {})
        self.hold: threading.Event | None = None

    def handler(self) -> type[BaseHTTPRequestHandler]:
        topic = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                topic.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                if topic.hold is not None:
                    topic.hold.wait(30)
                status, headers = topic.answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return Handler


class Identity:
    """The machine's, whose token is for Event Grid alone."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        assert scopes == ("https://eventgrid.azure.net/.default",)
        return AccessToken("t0ken", 4102444800)


@pytest.fixture
def topic(tmp_path: Path) -> Iterator[tuple[Topic, str, str]]:
    made = Topic()
    with tls_server(made.handler(), tmp_path) as front:
        yield made, f"{front.url}/api/events", str(front.certificate)


def test_a_topic_gets_a_batch_of_cloud_events(topic: tuple[Topic, str, str]) -> None:
    made, url, certificate = topic
    target = EventGridTopic(url, credential=Identity(), connection_verify=certificate)
    target.send([event(1), event(2, traceparent="00-aa-bb-01")])
    target.close()
    ((path, headers, body),) = made.requests
    assert path.startswith("/api/events?api-version=")
    assert headers["authorization"] == "Bearer t0ken"
    assert headers["content-type"].startswith("application/cloudevents-batch+json")
    assert json.loads(body) == [event(1), event(2, traceparent="00-aa-bb-01")]


def test_a_topic_is_asked_as_by_the_official_client(
    topic: tuple[Topic, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, url, certificate = topic
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    official = EventGridPublisherClient(url, AzureKeyCredential("s3cret"))
    official.send([_as_the_client_has_it(event(1)), _as_the_client_has_it(event(2))])
    target = EventGridTopic(url, "s3cret", connection_verify=certificate)
    target.send([event(1), event(2)])
    target.close()
    theirs, ours = made.requests
    assert theirs[0] == ours[0]
    for name in ("content-type", "aeg-sas-key"):
        assert theirs[1][name] == ours[1][name]
    for one, other in zip(json.loads(theirs[2]), json.loads(ours[2]), strict=True):
        assert datetime.fromisoformat(one.pop("time")) == datetime.fromisoformat(other.pop("time"))
        assert one == other


def _as_the_client_has_it(event: Event) -> CloudEvent[Any]:
    known = ("source", "type", "data", "id", "subject", "datacontenttype")
    more = {name: event[name] for name in event if name not in (*known, "time", "specversion")}
    at = datetime.fromisoformat(event["time"])
    return CloudEvent(**{name: event[name] for name in known}, time=at, extensions=more)


def test_a_topic_with_a_key(topic: tuple[Topic, str, str]) -> None:
    made, url, certificate = topic
    target = EventGridTopic(url, "s3cret", connection_verify=certificate)
    target.send([event()])
    target.close()
    ((_, headers, _),) = made.requests
    assert headers["aeg-sas-key"] == "s3cret"
    assert "authorization" not in headers


@pytest.mark.parametrize(
    ("status", "refused", "pause"),
    [(400, True, None), (403, False, None), (413, True, None), (503, False, 9.0)],
)
def test_a_topic_that_does_not_take_them(
    topic: tuple[Topic, str, str], status: int, refused: bool, pause: float | None
) -> None:
    made, url, certificate = topic
    made.answer = (status, {"Retry-After": "9"} if pause else {})
    target = EventGridTopic(url, "s3cret", connection_verify=certificate)
    with pytest.raises(DeliveryError) as caught:
        target.send([event()])
    target.close()
    assert (caught.value.refused, caught.value.pause_seconds) == (refused, pause)
    assert len(made.requests) == 1, "whoever sends tries again himself"
    assert "s3cret" not in str(caught.value)


def test_a_topic_that_does_not_answer_in_time(
    topic: tuple[Topic, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.stores.event_grid.ANSWER_SECONDS", 0.3)
    made, url, certificate = topic
    made.hold = threading.Event()
    target = EventGridTopic(url, "s3cret", connection_verify=certificate)
    begun = time.monotonic()
    with pytest.raises(DeliveryError, match="did not answer"):
        target.send([event()])
    assert time.monotonic() - begun < 10
    made.hold.set()
    target.close()


def test_a_topic_that_is_not_there() -> None:
    target = EventGridTopic("https://127.0.0.1:1/api/events", "s3cret")
    with pytest.raises(DeliveryError, match="did not answer"):
        target.send([event()])
    target.close()


def test_a_machine_without_an_identity(topic: tuple[Topic, str, str]) -> None:
    class Nobody:
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            from shared.stores.identity import IdentityUnavailableError

            raise IdentityUnavailableError("none")

    made, url, certificate = topic
    target = EventGridTopic(url, credential=Nobody(), connection_verify=certificate)
    with pytest.raises(DeliveryError):
        target.send([event()])
    target.close()
    assert made.requests == []
