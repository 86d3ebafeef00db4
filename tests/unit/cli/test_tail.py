"""Following a growing file: every byte once, whatever comes between. Time and failure are played here."""

import io
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cli import links, tail
from cli.faults import Fault, NotAnswering
from cli.http import Api
from cli.links import Links, Place
from cli.retry import Retry
from cli.tail import Follower
from shared.environment.layout import part_name
from tests.support.examples import examples

NAME = "stdout.txt"


@pytest.fixture(scope="module", params=["over HTTP", "by links"], autouse=True)
def way(request: pytest.FixtureRequest) -> None:
    """How files are read: a service of before `GET .../logs` gives links only."""
    World.has_logs = request.param == "over HTTP"


class World:
    """A service with one job and a share. Before every request the next event may happen."""

    has_logs = True

    def __init__(self) -> None:
        self.run, self.attempt, self.state = "run-1", 1, "running"
        self.part = 1  #: of the log, that the job writes to
        self.files: dict[str, bytes] = {}
        self.links = 0  #: links made before the last expiry are not good any more
        self.down = 0  #: requests to the function app that fail
        self.gone = False
        self.events: list[tuple[int, Callable[[], None]]] = []
        self.requests = 0
        self.listings = 0

    def after(self, requests: int, event: Callable[[], None]) -> None:
        """`event` happens that many requests after the one before."""
        self.events.append((requests, event))

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        assert self.requests < 3000, "it never ends"
        while self.events and self.events[0][0] <= 0:
            self.events.pop(0)[1]()
        if self.events:
            self.events[0] = (self.events[0][0] - 1, self.events[0][1])
        return self._share(request) if request.url.host == "share" else self._service(request)

    def _service(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            self.down -= 1
            raise httpx.ConnectError("refused")
        if self.gone:
            return httpx.Response(404, json={"error": {"code": "JobNotFound", "message": "not found"}})
        if "/logs/" in request.url.path:
            return self._log(request)
        if request.method == "GET":
            return httpx.Response(200, json=self.job)
        self.listings += 1
        prefix = f"https://share/logs/{self.run}/stdouterr"
        value = [
            {"name": name, "downloadUrl": f"{prefix}/{name}?sig={self.links}"} for name in sorted(self.files)
        ]
        return httpx.Response(200, json={"value": value})

    def _log(self, request: httpx.Request) -> httpx.Response:
        """As api/job_logs.py, which holds back zeros at the end of a file that may grow."""
        name, asked = request.url.path.rpartition("/")[2], request.url.params
        if not self.has_logs:
            return httpx.Response(404, json={"error": {"code": "InvalidResourceType", "message": "none"}})
        if name not in self.files:
            return httpx.Response(404, json={"error": {"code": "LogNotFound", "message": "none"}})
        offset = int(asked["offset"])
        data = self.files[name][offset : offset + int(asked["maxbytes"])]
        if self.state == "running" and name == self._latest and self.part == 1:
            data = data.rstrip(b"\0") or (data if offset + len(data) < len(self.files[name]) else b"")
        return httpx.Response(200, content=data, headers={"x-batchai-run": self.run})

    @property
    def job(self) -> dict[str, Any]:
        properties = {"executionState": self.state, "attempt": self.attempt}
        return {"name": "j", "properties": properties | {"jobOutputDirectoryPathSegment": self.run}}

    def _share(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        if int(request.url.params["sig"]) < self.links:
            return httpx.Response(403)
        if name not in self.files or self.run not in request.url.path:
            return httpx.Response(404)
        first, last = map(int, request.headers["range"].removeprefix("bytes=").split("-"))
        data = self.files[name][first : last + 1]
        return httpx.Response(206, content=data) if data else httpx.Response(416)

    # what may happen

    def grow(self, data: bytes) -> None:
        self.files[self._latest] = self.files.get(self._latest, b"") + data

    def begin_append(self, length: int) -> None:
        self.grow(bytes(length))

    def end_append(self, data: bytes) -> None:
        self.files[self._latest] = self.files[self._latest][: -len(data)] + data

    def begin_part(self) -> None:
        """The log continues in a next file, if there is anything in this one."""
        if self.files.get(self._latest):
            self.part += 1
            self.grow(b"")

    @property
    def _latest(self) -> str:
        return NAME if self.part == 1 else part_name(NAME, self.attempt, self.part)

    def claim(self) -> None:
        self.attempt += 1

    def rotate(self) -> None:
        if NAME in self.files:
            self.files[f"stdout.attempt-{self.attempt - 1}.txt"] = self.files[NAME]
        self.files[NAME], self.part = b"", 1

    def expire(self) -> None:
        self.links += 1

    def end(self) -> None:
        self.state = "succeeded"

    def followed(self, wait: bool = True) -> tuple[bytes, list[str], Follower]:
        transport = httpx.MockTransport(self.handle)
        api = Api("http://service", transport=transport, sleep=lambda _: None)
        out, said = io.BytesIO(), list[str]()
        reader = Links(api, transport)
        follower = Follower(reader, Place("/j", "stdouterr", ".", NAME), out, said.append, wait=wait)
        follower.sleep = lambda _: None
        try:
            follower.run()
        finally:
            api.close()
            reader.close()
            self.out = out.getvalue()
        return self.out, said, follower


def test_a_file_that_comes_late_grows_and_ends() -> None:
    world = World()
    world.after(6, lambda: world.grow(b"one\n"))
    world.after(4, lambda: world.grow(b"two"))
    world.after(4, world.end)
    out, said, _ = world.followed()
    assert out == b"one\ntwo"
    assert said == ["stdout.txt is not there yet; waiting for the job to write it"]


def test_zeros_of_an_append_under_way_are_not_printed() -> None:
    world = World()
    world.grow(b"a\n")
    world.after(3, lambda: world.begin_append(4))
    world.after(8, lambda: world.end_append(b"bcd\n"))
    world.after(3, world.end)
    assert world.followed()[0] == b"a\nbcd\n"


def test_zeros_that_the_job_itself_wrote_arrive_at_its_end() -> None:
    world = World()
    world.grow(b"a\0\0b\0")
    world.after(9, world.end)
    assert world.followed()[0] == b"a\0\0b\0"


def test_more_zeros_than_one_request_reads_do_not_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (links, tail):
        monkeypatch.setattr(module, "PIECE", 8)
    world = World()
    world.grow(bytes(30) + b"end")
    world.after(40, world.end)
    assert world.followed()[0] == bytes(30) + b"end"


def test_an_expired_link_is_asked_for_again() -> None:
    world = World()
    world.grow(b"a")
    for letter in (b"b", b"c"):
        world.after(3, world.expire)
        world.after(0, lambda letter=letter: world.grow(letter))  # type: ignore[misc]
    world.after(5, world.end)
    assert world.followed()[0] == b"abc"


def test_an_app_that_restarts_is_waited_for_and_reported_once() -> None:
    world = World()
    world.grow(b"a")

    def stop() -> None:
        world.down = 30

    world.after(3, stop)
    world.after(0, lambda: world.grow(b"b"))
    world.after(40, world.end)
    out, said, _ = world.followed()
    assert out == b"ab"
    assert len(said) == 2 and "trying again" in said[0] and said[1] == "the service answers again"


def test_an_app_that_stays_away_is_given_up_after_ten_minutes() -> None:
    slept: list[float] = []

    def fails() -> None:
        raise NotAnswering("it does not answer")

    retry = Retry(lambda _: None, slept.append, lambda: sum(slept))
    with pytest.raises(NotAnswering, match="does not answer"):
        retry(fails)
    assert 590 < sum(slept) < 620


def test_a_lost_attempt_is_finished_before_the_next_one_begins() -> None:
    world = World()
    world.grow(b"first")
    world.after(3, world.claim)
    world.after(2, lambda: world.grow(b" and its end\n"))
    world.after(0, world.rotate)
    world.after(1, lambda: world.grow(b"second"))
    world.after(6, world.end)
    out, said, _ = world.followed()
    assert out == b"first and its end\nsecond"
    assert said == ["attempt 1 ended early; the next one begins the file anew"]


def test_a_log_that_continues_in_further_files_is_one() -> None:
    world = World()
    world.grow(b"one\n")
    world.after(5, lambda: world.grow(b"end of one\n"))
    for text in (b"two\n", b"three\n"):
        world.after(0, world.begin_part)
        world.after(0, lambda text=text: world.grow(text))  # type: ignore[misc]
        world.after(150, lambda: world.grow(b"more\n"))
    world.after(150, world.end)
    assert world.followed()[0] == b"one\nend of one\ntwo\nmore\nthree\nmore\n"
    assert world.listings < 20, "it is not asked for at every look"


@pytest.mark.parametrize("wait", [True, False])
def test_a_log_of_several_files_that_are_all_there(wait: bool) -> None:
    world = World()
    for text in (b"one\n", b"two\n", b"three\n"):
        world.grow(text)
        world.begin_part()
    if wait:
        world.end()
    assert world.followed(wait=wait)[0] == b"one\ntwo\nthree\n"


@pytest.mark.parametrize("looks", [3, 150])
def test_an_attempt_is_lost_in_a_further_file(looks: int) -> None:
    """The follower still reads the first one, or that one."""
    world = World()
    world.grow(b"one\n")

    def end_attempt() -> None:
        world.grow(b"end of two\n")
        world.claim()
        world.rotate()
        world.grow(b"second\n")

    world.begin_part()
    world.grow(b"two\n")
    world.after(looks, end_attempt)
    world.after(100, world.end)
    assert world.followed()[0] == b"one\ntwo\nend of two\nsecond\n"


def test_earlier_attempts_are_not_printed_again() -> None:
    world = World()
    world.attempt = 3
    world.files = {"stdout.attempt-1.txt": b"old", "stdout.attempt-2.txt": b"older", NAME: b"new"}
    world.files["stdout.attempt-2.part-2.txt"] = b"and older"
    world.after(6, world.end)
    assert world.followed()[0] == b"new"


def test_a_file_of_an_attempt_before_the_job_s_is_known_as_such() -> None:
    world = World()
    world.grow(b"first")
    world.claim()  # its runner still mounts volumes
    world.after(8, world.rotate)
    world.after(2, lambda: world.grow(b"second, and longer than the first"))
    world.after(6, world.end)
    assert world.followed()[0] == b"firstsecond, and longer than the first"


def test_a_job_that_was_queued_needs_no_listings_while_it_runs() -> None:
    world = World()
    world.attempt = 0
    world.after(4, world.claim)
    world.after(2, lambda: world.grow(b"x"))
    world.after(100, world.end)
    assert world.followed()[0] == b"x"
    assert world.listings < 12


@pytest.mark.parametrize("what", ["deleted", "another run"])
def test_a_run_that_is_no_longer_there_is_read_to_its_end(what: str) -> None:
    world = World()
    world.grow(b"all")

    def vanish() -> None:
        if what == "deleted":
            world.gone = True
        else:
            world.run = "run-2"

    world.after(5, vanish)
    with pytest.raises(Fault, match=what) as fault:
        world.followed()
    assert world.out == b"all"
    assert fault.value.exit_code == 3


def test_without_waiting_it_prints_what_is_there() -> None:
    world = World()
    world.grow(b"so far\n\0\0")
    assert world.followed(wait=False)[0] == b"so far\n"


def test_a_file_that_never_came_is_reported() -> None:
    world = World()
    world.end()
    out, said, follower = world.followed()
    assert (out, said, follower.found) == (b"", [], False)


Step = tuple[str, bytes, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "append", "append", "expire", "down", "attempt", "part"]),
        st.binary(min_size=1, max_size=12),
        st.integers(0, 7),
    ),
    max_size=12,
)


@settings(max_examples=examples(200), phases=[Phase.explicit, Phase.generate])
@given(STEPS, st.lists(st.integers(0, 6), min_size=40, max_size=40))
def test_every_byte_comes_once_however_things_fall(steps: list[Step], gaps: list[int]) -> None:
    world, pauses = World(), iter(gaps)
    expected: list[bytes] = [b""]

    def down(times: int) -> None:
        world.down = times

    # What was put aside before the first look is not of interest: nothing happens until then.
    world.after(2, lambda: None)
    for kind, data, number in steps:
        if kind == "append":
            expected[-1] += data
            world.after(next(pauses), lambda data=data: world.begin_append(len(data)))  # type: ignore[misc]
            world.after(next(pauses), lambda data=data: world.end_append(data))  # type: ignore[misc]
        elif kind == "expire":
            world.after(next(pauses), world.expire)
        elif kind == "down":
            world.after(next(pauses), lambda number=number: down(number))  # type: ignore[misc]
        elif kind == "part":
            world.after(next(pauses), world.begin_part)
        else:
            expected.append(b"")
            world.after(next(pauses), world.claim)
            world.after(next(pauses), world.rotate)
    world.after(next(pauses), world.end)
    lost = [attempt.rstrip(b"\0") for attempt in expected[:-1]]
    assert world.followed()[0] == b"".join(lost) + expected[-1]
