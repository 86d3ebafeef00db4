"""shared.jobs.quota: who is over a limit, and who is next."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.jobs.quota import Asking, InUse, in_use, let_go, never, over
from shared.names.limits import Limit, Limits
from tests.support.cases import cases
from tests.support.jobs import after

LIMITS = Limits("wait", {"*": Limit(4, 8, 10.0)}, {"*": Limit(2, 6, 5.0)})


def asking(by: str = "ada", number: int = 0, nodes: int = 1, priority: str = "normal") -> Asking:
    return Asking(f"{by}-{number}", by, nodes, priority, after(0) + timedelta(seconds=number))


@cases(
    ("jobs", "hours", "new", "says"),
    [
        ([], [], asking(), ""),
        (
            [asking(number=1), asking(number=2)],
            [],
            asking(),
            "ada in workspace ws has 2 live jobs of 2",
        ),
        ([asking(x) for x in "abcd"], [], asking(), "workspace ws has 4 live jobs of 4"),
        ([asking("bob", nodes=8)], [], asking(), "jobs for 8 nodes of 8, and this one needs 1"),
        ([asking(nodes=5)], [], asking(nodes=2), "submitter ada in workspace ws has jobs for 5 nodes of 6"),
        ([], [("bob", 10.0)], asking(), "workspace ws has used 10.0 GPU hours of 10 this month"),
        (
            [],
            [("ada", 5.0)],
            asking(),
            "ada in workspace ws has used 5.0 GPU hours of 5",
        ),
        ([], [("ada", 4.9)], asking(), ""),
    ],
)
def test_what_is_passed_is_named(
    jobs: list[Asking], hours: list[tuple[str, float]], new: Asking, says: str
) -> None:
    found = str(over(LIMITS, in_use("ws", jobs, hours), new) or "")
    assert says in found and bool(says) == bool(found)


def test_jobs_that_wait_for_a_limit_use_nothing() -> None:
    held = [Asking("x", "ada", 4, "normal", after(0), withheld=True)]
    assert in_use("ws", held).total == InUse("ws").total


def test_a_job_that_is_too_large_by_itself_would_wait_for_ever() -> None:
    assert "needs 7" in str(never(LIMITS, "ws", asking(nodes=7)))
    assert not never(LIMITS, "ws", asking(nodes=6))


def test_priority_comes_first_then_who_uses_least_then_age() -> None:
    waiting = [asking("ada", 1), asking("ada", 2), asking("bob", 3), asking("eve", 4, priority="high")]
    used = in_use("ws", [asking("ada", 0)])
    chosen = let_go(Limits("wait", {"*": Limit(nodes=4)}), used, waiting, 100)
    assert [job.uuid for job in chosen] == ["eve-4", "bob-3", "ada-1"]
    assert used.total.nodes == 4


def _by_the_rule(limits: Limits, used: InUse, waiting: list[Asking], most: int) -> list[str]:
    """The rule as it is said, one look at everybody for each job."""
    left, chosen = list(waiting), list[str]()
    while len(chosen) < most and (possible := [job for job in left if not over(limits, used, job)]):
        ranks = {"high": 0, "normal": 1, "low": 2}
        job = min(possible, key=lambda each: (ranks[each.priority], used.of(each.by).nodes, each.created))
        used.add(job)
        left.remove(job)
        chosen.append(job.uuid)
    return chosen


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 3), st.sampled_from(["high", "normal", "low"])),
        max_size=14,
    ),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=4),
    st.integers(1, 12),
    st.one_of(st.none(), st.integers(1, 12)),
    st.integers(0, 12),
)
def test_who_is_let_go_follows_the_rule(
    jobs: list[tuple[str, int, str]],
    running: list[tuple[str, int]],
    nodes: int,
    live: int | None,
    most: int,
) -> None:
    limits = Limits("wait", {"*": Limit(live_jobs=live, nodes=nodes)}, {"*": Limit(nodes=6)})
    waiting = [asking(by, number, nodes, rank) for number, (by, nodes, rank) in enumerate(jobs)]
    used = in_use("ws", [asking(by, 100 + n, nodes) for n, (by, nodes) in enumerate(running)])
    expected = _by_the_rule(limits, used.copy(), waiting, most)
    assert [job.uuid for job in let_go(limits, used, waiting, most)] == expected


def test_no_more_are_let_go_than_asked_for() -> None:
    waiting = [asking("ada", number) for number in range(9)]
    assert len(let_go(Limits(), InUse("ws"), waiting, 5)) == 5
