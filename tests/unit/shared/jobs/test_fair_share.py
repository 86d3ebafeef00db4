"""shared.jobs.fair_share: why a job waits for a limit, in numbers."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.jobs.fair_share import Shares, shared_out
from shared.jobs.quota import Asking, in_use, let_go
from shared.jobs.waiting_reason import Waiting
from shared.names.limits import Limit, Limits
from tests.support.jobs import after

NOW = datetime(2026, 12, 29, 12, tzinfo=UTC)


def asking(name: str, by: str, waits: bool = True, nodes: int = 1, priority: str = "normal") -> Asking:
    number = int(name.rpartition("-")[2])
    return Asking(name, by, nodes, priority, after(0) + timedelta(seconds=number), waits)


def shares(limits: Limits, *jobs: Asking, hours: tuple[tuple[str, float], ...] = ()) -> Shares:
    return Shares(limits, in_use("ws", jobs, hours), jobs)


def why(found: Shares, uuid: str) -> Waiting:
    waits = found.why(uuid, NOW)
    assert waits is not None
    return waits


def ada_and_bob() -> tuple[Asking, ...]:
    """Of four places Ada has three and Bob one; both have more jobs that wait, Ada's all older."""
    running = [asking(f"a-{n}", "ada", waits=False) for n in range(3)] + [asking("b-3", "bob", waits=False)]
    waiting = [asking(f"a-{n}", "ada") for n in range(10, 15)] + [
        asking(f"b-{n}", "bob") for n in range(20, 24)
    ]
    return *running, *waiting


@pytest.mark.parametrize("limit", [Limit(live_jobs=4), Limit(nodes=4)])
def test_who_has_how_much_what_is_fair_and_who_is_next(limit: Limit) -> None:
    found = shares(Limits("wait", {"*": limit}), *ada_and_bob())
    oldest = why(found, "a-10")
    assert oldest.message.startswith("workspace ws has ")
    assert oldest.message.endswith(
        "of 4; ada has 3, a fair share is 2; place 3 of 9 that wait, 0 ahead by ada; bob is next"
        if limit.live_jobs
        else "of 4, and this one needs 1; ada has 3, a fair share is 2; place 3 of 9 that wait, "
        "0 ahead by ada; bob is next"
    )
    word = "liveJobs" if limit.live_jobs else "nodes"
    assert oldest.as_json()["quota"] == {
        "submitter": "ada",
        "of": "workspace",
        "limited": word,
        "used": 4,
        "limit": 4,
        "submitterUses": 3,
        "fairShare": 2,
        "place": 3,
        "waiting": 9,
        "next": "bob",
    }
    assert "it is the first of 9 that wait" in why(found, "b-20").message
    assert "place 5 of 9 that wait, 1 ahead by ada" in why(found, "a-11").message


def test_places_are_the_order_in_which_jobs_are_let_go() -> None:
    jobs = ada_and_bob()
    found = shares(Limits("wait", {"*": Limit(nodes=4)}), *jobs)
    everything = let_go(Limits(), in_use("ws", jobs), [job for job in jobs if job.withheld], 100)
    assert sorted(found.turns, key=lambda uuid: found.turns[uuid].place) == [job.uuid for job in everything]


def test_a_limit_of_the_submitters_own_is_not_shared() -> None:
    limits = Limits("wait", {}, {"*": Limit(live_jobs=1)})
    found = shares(limits, asking("a-0", "ada", waits=False), asking("a-1", "ada"), asking("a-2", "ada"))
    assert why(found, "a-1").message == (
        "submitter ada in workspace ws has 1 live jobs of 1; it is the first of 2 that wait"
    )
    numbers = why(found, "a-2").as_json()["quota"]
    assert (numbers["of"], numbers["place"], "fairShare" in numbers) == ("submitter", 2, False)


def test_hours_of_the_month_are_over_with_it() -> None:
    limits = Limits("wait", {"*": Limit(gpu_hours=10.0)})
    waits = why(shares(limits, asking("a-0", "ada"), hours=(("ada", 12.5),)), "a-0")
    assert "workspace ws has used 12.5 GPU hours of 10 this month; no other job waits" in waits.message
    assert waits.as_json()["until"] == "2027-01-01T00:00:00.000Z"


def test_what_fits_by_now_is_let_go_next() -> None:
    waits = why(shares(Limits("wait", {"*": Limit(live_jobs=4)}), asking("a-0", "")), "a-0")
    assert waits.message == "workspace ws has space for it now; no other job waits for it"
    assert waits.as_json()["quota"] == {"submitter": "unknown", "place": 1, "waiting": 1, "next": "unknown"}


def test_a_job_that_does_not_wait_for_a_limit_has_no_such_reason() -> None:
    assert shares(Limits(), asking("a-0", "ada", waits=False)).why("a-0", NOW) is None


@pytest.mark.parametrize(
    ("limit", "wanted", "fair"),
    [
        (4, {"ada": 100, "bob": 10}, {"ada": 2, "bob": 2}),
        (4, {"ada": 100, "bob": 1}, {"ada": 3, "bob": 1}),
        (4, {"ada": 2}, {"ada": 2}),
        (4, {}, {}),
        (4, {"a": 2, "b": 2, "c": 2}, {"a": 4 / 3, "b": 4 / 3, "c": 4 / 3}),
        (0, {"ada": 1}, {"ada": 0}),
    ],
)
def test_what_one_leaves_is_the_others(
    limit: float, wanted: dict[str, float], fair: dict[str, float]
) -> None:
    assert shared_out(limit, wanted) == pytest.approx(fair)


@given(st.integers(0, 50), st.dictionaries(st.text(max_size=3), st.integers(0, 20), max_size=8))
def test_nobody_gets_more_than_wanted_and_nothing_is_left_that_somebody_wants(
    limit: int, wanted: dict[str, int]
) -> None:
    found = shared_out(limit, wanted)
    assert sum(found.values()) == pytest.approx(min(limit, sum(wanted.values())))
    assert all(found[by] <= wanted[by] for by in wanted)
    short = [found[by] for by in wanted if found[by] < wanted[by] - 1e-9]
    assert not short or min(short) >= max(found.values()) - 1e-6


def test_a_submitters_own_limit_bounds_the_share() -> None:
    limits = Limits("wait", {"*": Limit(live_jobs=4)}, {"bob": Limit(live_jobs=1)})
    found = shares(limits, *ada_and_bob())
    assert (found.fair("ada", "liveJobs"), found.fair("bob", "liveJobs")) == (3, 1)
    assert found.fair("ada", "nodes") is None
