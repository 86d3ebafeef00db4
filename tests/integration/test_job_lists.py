"""Lists of jobs by state, time and name, against real storage."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import RequestError
from shared.jobs import layouts, transitions
from shared.jobs.model import Job, Outcome, Reason, State
from shared.names.ids import JobId
from shared.stores import job_lists
from shared.stores.job_lists import JobFilter
from shared.stores.job_table import JobTable
from tests.support.jobs import a_job
from tests.support.world import World

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
NAMES = ("alpha-1", "Alpha-2", "alpha-3", "alpha_4", "beta-1", "beta-2", "gamma")
FAILED, RUNNING = ("alpha-3", "beta-1"), ("beta-2", "Alpha-2")


def at(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def ended(job: Job, reason: Reason) -> Job:
    return transitions.finish(job, Outcome(reason, 0 if reason is Reason.SUCCEEDED else 1), at(90))


def insert(world: World, name: str, experiment: str = "exp", hours: int = 0, layout: int = 3) -> Job:
    workspace = world.cluster.workspace
    job = replace(a_job(uuid=f"u-{name}-{hours}".lower()), id=JobId(workspace, experiment, name))
    job = replace(
        job,
        layout=layout,
        cluster=world.cluster,
        created=at(hours),
        enqueued=at(hours),
        state_since=at(hours),
    )
    inserted: Job = world.stores.jobs.insert(job)
    return inserted


def stored(jobs: JobTable, job: JobId) -> Job:
    found = jobs.get(job)
    assert found is not None
    return found


@pytest.fixture(params=[(3,), (2,), (1,), (1, 2, 3)], ids=["latest", "second", "first", "all"])
def filled(world: World, request: pytest.FixtureRequest) -> World:
    """Seven jobs, an hour between each: two failed, two running, the others succeeded; another experiment.
    With the rows of one layout, or of each in turn."""
    jobs = world.stores.jobs
    for hours, name in enumerate(NAMES):
        layout = request.param[hours // 2 % len(request.param)]
        inserted = insert(world, name, hours=hours, layout=layout)
        claimed = jobs.update(transitions.claim(inserted, "node-0", "m", at(80)))
        if name not in RUNNING:
            jobs.end(ended(claimed, Reason.JOB_FAILED if name in FAILED else Reason.SUCCEEDED))
    insert(world, "alpha-1", experiment="exp2", hours=3)
    insert(world, "other", experiment="exp2", hours=3)
    return world


def listed(world: World, asked: JobFilter, most: int = 1000) -> list[str]:
    """The names of every page."""
    names: list[str] = []
    token = ""
    while True:
        page = world.backend.lists.page(world.cluster.workspace, "EXP", asked, token, most)
        assert len(page.jobs) <= most
        names += [job.id.job for job in page.jobs]
        token = page.token
        if not token:
            return names


@pytest.mark.parametrize("most", [1, 2, 1000])
def test_every_filter_over_every_size_of_page(filled: World, most: int) -> None:
    by_name = sorted(NAMES, key=str.lower)
    newest_first = list(reversed(NAMES))
    good = [n for n in newest_first if n not in FAILED + RUNNING]
    assert listed(filled, JobFilter(), most) == by_name
    assert listed(filled, JobFilter(prefix="ALPHA-"), most) == ["alpha-1", "Alpha-2", "alpha-3"]
    assert listed(filled, JobFilter(state=State.RUNNING), most) == ["beta-2", "Alpha-2"]
    assert listed(filled, JobFilter(state=State.QUEUED), most) == []
    assert listed(filled, JobFilter(state=State.FAILED), most) == ["beta-1", "alpha-3"]
    assert listed(filled, JobFilter(state=State.SUCCEEDED), most) == good
    assert listed(filled, JobFilter(created_after=at(0)), most) == newest_first
    assert listed(filled, JobFilter(created_after=at(2), created_before=at(4)), most) == [
        "alpha_4",
        "alpha-3",
    ]
    assert listed(filled, JobFilter(State.FAILED, created_before=at(4)), most) == ["alpha-3"]
    assert listed(filled, JobFilter(State.RUNNING, created_after=at(2)), most) == ["beta-2"]
    assert listed(filled, JobFilter(State.RUNNING, prefix="b"), most) == ["beta-2"]
    assert listed(filled, JobFilter(State.FAILED, prefix="A"), most) == ["alpha-3"]
    assert listed(filled, JobFilter(created_after=at(1), prefix="alpha-"), most) == ["Alpha-2", "alpha-3"]
    assert listed(filled, JobFilter(created_before=at(2), prefix="alpha-"), most) == ["alpha-1", "Alpha-2"]
    assert listed(filled, JobFilter(State.SUCCEEDED, at(1), at(6), "beta"), most) == []


def test_a_new_run_stands_for_its_name_and_a_deleted_job_is_listed_no_more(filled: World) -> None:
    jobs = filled.stores.jobs
    first = stored(jobs, JobId(filled.cluster.workspace, "exp", "gamma"))
    again = replace(first, uuid="second", state=State.QUEUED, created=at(50), ended=None, exit_code=None)
    second = jobs.replace_ended(first, again)
    assert listed(filled, JobFilter(created_before=at(40)))[0] == "beta-2"
    assert listed(filled, JobFilter(created_after=at(40))) == ["gamma"]
    assert listed(filled, JobFilter(created_after=at(0))).count("gamma") == 1
    assert listed(filled, JobFilter(State.QUEUED)) == ["gamma"]
    assert listed(filled, JobFilter(State.SUCCEEDED, created_after=at(40))) == []
    gone = jobs.end(ended(jobs.update(transitions.claim(second, "node-0", "m", at(80))), Reason.SUCCEEDED))
    assert listed(filled, JobFilter(State.SUCCEEDED, created_after=at(40))) == ["gamma"]
    jobs.delete_runs(gone.id)
    jobs.delete(gone)
    assert "gamma" not in listed(filled, JobFilter(created_after=at(0)))
    assert "gamma" not in listed(filled, JobFilter())


@pytest.mark.parametrize(
    "asked",
    [
        JobFilter(),
        JobFilter(prefix="alpha"),
        JobFilter(prefix="alpha_"),
        JobFilter(State.RUNNING),
        JobFilter(State.SUCCEEDED),
        JobFilter(created_after=at(0)),
        JobFilter(State.FAILED, created_before=at(9)),
    ],
)
def test_a_page_costs_one_call_however_many_jobs_it_has(filled: World, asked: JobFilter) -> None:
    """While jobs of the first layout live, those in a live state lie in two places. Names that only point at
    living jobs cost one more."""
    assert listed(filled, asked), "looks once a minute whether jobs of the first layout live"
    filled.counter.reset()
    assert listed(filled, asked)
    old = filled.stores.jobs.has_first_layout(filled.cluster.workspace)
    calls = filled.counter.snapshot().total() - 1
    if asked.by_name:
        shown = [name for name in RUNNING if name.lower().startswith(asked.prefix)]
        found = [stored(filled.stores.jobs, JobId(filled.cluster.workspace, "exp", name)) for name in shown]
        assert calls == 1 + any(job.layout == layouts.THIRD for job in found)
    else:
        assert calls == (2 if old and asked.state is State.RUNNING else 1)


def test_jobs_in_lists_are_what_they_are_alone(filled: World) -> None:
    jobs, workspace = filled.stores.jobs, filled.cluster.workspace
    large = replace(a_job(uuid="large"), id=JobId(workspace, "exp", "large"), cluster=filled.cluster)
    jobs.insert(replace(large, created=at(7), properties='{"a": "' + "x" * 100_000 + '"}'))
    for asked in (JobFilter(), JobFilter(created_after=at(0)), JobFilter(State.QUEUED)):
        page = filled.backend.lists.page(workspace, "exp", asked, "", 100)
        assert page.jobs
        for job in page.jobs:
            assert replace(job, etag="") == replace(stored(jobs, job.id), etag="")


def test_a_job_lies_under_the_state_it_is_in_and_nowhere_else(world: World) -> None:
    job = insert(world, "job")

    def states() -> list[State]:
        return [state for state in State if listed(world, JobFilter(state))]

    assert states() == [State.QUEUED]
    jobs = world.stores.jobs
    running = jobs.update(transitions.claim(job, "node-0", "m", at(1)))
    assert states() == [State.RUNNING]
    lost = transitions.claim(stored(jobs, running.id), "node-1", "m", at(2))
    assert jobs.update(lost).attempt == 2
    assert states() == [State.RUNNING]
    jobs.update(transitions.request_termination(stored(jobs, job.id), at(3)))
    assert states() == [State.TERMINATING]
    over = jobs.end(ended(stored(jobs, job.id), Reason.TERMINATED))
    assert states() == [State.FAILED]
    jobs.delete_runs(over.id)
    jobs.delete(over)
    jobs.delete(over)
    assert states() == []
    assert listed(world, JobFilter(created_after=at(-9))) == []


def test_a_page_asks_a_limited_number_of_times_and_continues(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service answers a filter that fits little with short pages; small ones stand for them here."""
    monkeypatch.setattr(job_lists, "_MOST_ENTITIES", 2)
    monkeypatch.setattr(job_lists, "_MOST_QUERIES", 2)
    first = filled.backend.lists.page(filled.cluster.workspace, "exp", JobFilter(), "", 1000)
    assert len(first.jobs) == 4 and first.token.startswith("*")
    assert listed(filled, JobFilter()) == sorted(NAMES, key=str.lower)
    assert listed(filled, JobFilter(created_after=at(0))) == list(reversed(NAMES))


@pytest.mark.parametrize("token", ["*", "*!", "*e30=", "*WzFd", "*eyJhIjogMX0="])
def test_a_token_that_no_answer_held_is_refused(world: World, token: str) -> None:
    with pytest.raises(RequestError):
        world.backend.lists.page(world.cluster.workspace, "exp", JobFilter(), token, 10)


@pytest.mark.parametrize("token", ["~", "zzz", "job|exp2|", "' or 1 eq 1", "|"])
def test_a_token_leads_to_no_other_experiment(filled: World, token: str) -> None:
    lists, workspace = filled.backend.lists, filled.cluster.workspace
    for asked in (JobFilter(), JobFilter(created_after=at(0)), JobFilter(State.RUNNING)):
        page = lists.page(workspace, "exp", asked, token, 10)
        assert {job.id.experiment for job in page.jobs} <= {"exp"}
