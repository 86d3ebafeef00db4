"""`batchai events`: what it shows, and that it follows without a repetition."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from cli import events
from cli.http import Api
from cli.main import main


def event(number: int, at: str = "2026-11-29T10:00:00.000Z", **data: Any) -> dict[str, Any]:
    shown = {"experiment": "exp", "job": "job", "state": "running", "attempt": 1, "nodes": ["node-0"]}
    return {"id": f"u-{number}", "time": at, "data": shown | data}


class Service:
    """Answers each request with the next list, and then always with the last one."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = list(pages)
        self.asked: list[dict[str, str]] = []

    def api(self) -> Api:
        return Api("http://service", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(dict(request.url.params))
        page = self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]
        return httpx.Response(200, json={"value": page})


class Enough(Exception):
    """The test has seen what it wants."""


def sleeps(count: int) -> Iterator[None]:
    yield from (None for _ in range(count))


def followed(service: Service, looks: int, since: str = "") -> list[str]:
    shown: list[str] = []
    left = sleeps(looks - 1)

    def sleep(seconds: float) -> None:
        assert seconds == 5
        try:
            next(left)
        except StopIteration:
            raise Enough from None

    with pytest.raises(Enough):
        events.follow(service.api(), "/w/events", since, lambda e: shown.append(e["id"]), 5, sleep)
    return shown


def test_each_event_is_shown_once_although_looks_overlap() -> None:
    later = "2026-11-29T10:07:00.000Z"
    service = Service(
        [event(1), event(2)], [event(1), event(2)], [event(2), event(3, later)], [event(3, later)]
    )
    assert followed(service, 4) == ["u-1", "u-2", "u-3"]
    since = [asked.get("since") for asked in service.asked]
    assert since == [None, "2026-11-29T09:55:00Z", "2026-11-29T09:55:00Z", "2026-11-29T10:02:00Z"]


def test_without_events_it_asks_for_the_same_again() -> None:
    service = Service([])
    assert followed(service, 3, "2026-11-29") == []
    assert [asked["since"] for asked in service.asked] == ["2026-11-29"] * 3


def test_ids_are_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_MOST_IDS", 2)
    unseen = events.Unseen()
    assert [unseen(event(number)) for number in (1, 2, 2, 3, 1)] == [True, True, False, True, True]


def run(*words: str, service: Service, monkeypatch: pytest.MonkeyPatch) -> Result:
    send = httpx.Client(transport=httpx.MockTransport(service._answer))
    monkeypatch.setattr(Api, "_open", lambda self: send)
    common = ["-w", "research", "--url", "http://service", "--subscription", "s", "-g", "g"]
    return CliRunner().invoke(main, ["events", *words, *common])


def test_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service([event(1), event(2, state="failed", reason="JobFailed", exitCode=3)])
    result = run("-o", "table", service=service, monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.output
    assert result.output.split("\n")[3].split() == [
        "2026-11-29T10:00:00.000Z",
        "exp/job",
        "failed",
        "1",
        "node-0",
        "JobFailed",
        "3",
    ]
    plain = run("-o", "json", service=service, monkeypatch=monkeypatch)
    assert [one["id"] for one in json.loads(plain.output)] == ["u-1", "u-2"]


@pytest.mark.parametrize("form", ["table", "json"])
def test_following_until_somebody_stops_it(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", stop)
    monkeypatch.setattr(events.follow, "__defaults__", (stop,))
    result = run("--follow", "-o", form, service=Service([event(1)]), monkeypatch=monkeypatch)
    assert result.exit_code == 130
    assert "exp/job" in result.output if form == "table" else '"id": "u-1"' in result.output
