"""Lists of the jobs of a whole workspace: the same as a plain model says, whatever is asked for."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.jobs import layouts, transitions
from shared.jobs.model import Job, Outcome, Reason, State
from shared.names.ids import JobId
from shared.stores.job_lists import JobFilter
from tests.support.jobs import a_job
from tests.support.world import World, settings_for
from tests.support.world import world as open_world

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
EXPERIMENTS = ("a", "Bee", "c-3")
COUNT = 60


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


@pytest.fixture(scope="module")
def filled(installation: str) -> Iterator[tuple[World, list[Job]]]:
    """Jobs of three experiments, mixed in time, some at the same moment; in every state but terminating;
    with the rows of each layout in turn."""
    with open_world(settings_for(installation)) as world:
        yield world, [_made(world, number) for number in range(COUNT)]


def _made(world: World, number: int) -> Job:
    chance = random.Random(number)
    experiment, name = chance.choice(EXPERIMENTS), f"{chance.choice(('alpha', 'Beta'))}-{number}"
    moment, place = at(chance.randrange(20)), JobId(world.cluster.workspace, experiment, name)
    job = replace(a_job(uuid=f"u-{number:03}"), id=place, cluster=world.cluster, created=moment)
    job = replace(job, layout=1 + number // 4 % 3)
    job = world.stores.jobs.insert(replace(job, enqueued=moment, state_since=moment))
    if number % 4:
        job = world.stores.jobs.update(transitions.claim(job, "node-0", "m", at(80)))
    if number % 4 > 1:
        reason = Reason.SUCCEEDED if number % 4 == 2 else Reason.JOB_FAILED
        job = world.stores.jobs.end(transitions.finish(job, Outcome(reason, 0), at(90)))
    return job


def listed(
    world: World, asked: JobFilter, most: int, experiments: tuple[str, ...] = EXPERIMENTS
) -> list[str]:
    """The uuids of every page."""
    found: list[str] = []
    token = ""
    while True:
        page = world.backend.workspace_lists.page(world.cluster.workspace, experiments, asked, token, most)
        assert len(page.jobs) <= most
        found += [job.uuid for job in page.jobs]
        token = page.token
        if not token:
            return found


def expected(jobs: list[Job], asked: JobFilter, experiments: tuple[str, ...]) -> list[str]:
    def fits(job: Job) -> bool:
        return (
            job.id.experiment in experiments
            and (asked.state is None or job.state is asked.state)
            and (asked.created_after is None or job.created >= asked.created_after)
            and (asked.created_before is None or job.created < asked.created_before)
            and job.id.job.lower().startswith(asked.prefix.lower())
        )

    if asked.prefix:
        named = sorted((job for job in jobs if fits(job)), key=lambda job: job.id.job.lower())
        return [job.uuid for job in sorted(named, key=lambda job: job.id.experiment.lower())]
    newest = sorted((job for job in jobs if fits(job)), key=lambda job: job.uuid)
    return [job.uuid for job in sorted(newest, key=lambda job: job.created, reverse=True)]


@pytest.mark.parametrize("most", [1, 7, 1000])
@pytest.mark.parametrize("experiments", [EXPERIMENTS, ("Bee",), ()])
@pytest.mark.parametrize(
    "asked",
    [
        JobFilter(),
        *(JobFilter(state=state) for state in State),
        JobFilter(created_after=at(10)),
        JobFilter(created_before=at(10)),
        JobFilter(created_after=at(5), created_before=at(15), state=State.FAILED),
        JobFilter(prefix="ALPHA-"),
        JobFilter(prefix="beta-1", state=State.RUNNING),
    ],
)
def test_every_filter_over_every_size_of_page(
    filled: tuple[World, list[Job]], asked: JobFilter, experiments: tuple[str, ...], most: int
) -> None:
    world, jobs = filled
    assert listed(world, asked, most, experiments) == expected(jobs, asked, experiments)


def test_a_page_is_one_call_for_each_experiment(filled: tuple[World, list[Job]]) -> None:
    world, _ = filled
    lists, token = world.backend.workspace_lists, ""
    for _ in range(3):
        world.counter.reset()
        page = lists.page(world.cluster.workspace, EXPERIMENTS, JobFilter(), token, 10)
        assert len(page.jobs) == 10
        assert world.counter.snapshot() <= Counter({"GET table": len(EXPERIMENTS)})
        token = page.token


def test_an_old_job_is_found_by_its_prefix_in_one_call(filled: tuple[World, list[Job]]) -> None:
    world, jobs = filled
    oldest = min(jobs, key=lambda job: job.created)
    world.counter.reset()
    asked = JobFilter(prefix=oldest.id.job)
    page = world.backend.workspace_lists.page(
        world.cluster.workspace, [oldest.id.experiment], asked, "", 1000
    )
    assert oldest.uuid in [job.uuid for job in page.jobs]
    pointed = oldest.state.live and oldest.layout == layouts.THIRD
    assert world.counter.snapshot() == Counter({"GET table": 1 + pointed})


def test_jobs_of_all_layouts_are_listed_together(world: World) -> None:
    """Those of the first one have their entries in a live state elsewhere (docs/adr/0315)."""
    for number, layout in enumerate((layouts.FIRST, layouts.SECOND, layouts.THIRD)):
        place = JobId(world.cluster.workspace, EXPERIMENTS[number % 2], f"job-{number}")
        job = replace(a_job(uuid=f"u-{number}"), id=place, cluster=world.cluster, layout=layout)
        world.stores.jobs.insert(replace(job, created=at(number), enqueued=at(number)))
    for asked in (JobFilter(), JobFilter(state=State.QUEUED)):
        for most in (1, 2, 9):
            assert listed(world, asked, most, EXPERIMENTS[:2]) == ["u-2", "u-1", "u-0"], (asked, most)
    assert listed(world, JobFilter(state=State.RUNNING), 9, EXPERIMENTS[:2]) == []
