"""Lists of jobs give the same answers as a simple model, whatever has happened to the jobs; and no row is
left over: each job has the entries of its layout and nothing else."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.jobs import transitions
from shared.jobs.model import Job, Outcome, Reason, State
from shared.names.ids import JobId
from shared.stores import job_lists, job_table
from shared.stores.job_lists import JobFilter
from tests.support.examples import examples
from tests.support.jobs import CREATED, a_job
from tests.support.memory.world import MemoryWorld, memory_world

ACTS = ("submit", "claim", "terminate", "succeed", "fail", "requeue", "fall back", "delete", "note")
Act = tuple[str, int, int]
HISTORIES = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, 3), st.sampled_from((1, 2, 3))), max_size=25
)


class Model:
    """The jobs as they should be, and the world they are in."""

    def __init__(self) -> None:
        self.world: MemoryWorld = memory_world()
        self.jobs: dict[str, Job] = {}
        self.runs: Counter[str] = Counter()
        self._step = 0

    def do(self, act: str, number: int, layout: int) -> None:
        """An act that does not fit the job's state changes nothing."""
        self._step += 1
        name, table = f"job{number}", self.world.stores.jobs
        job = self.jobs.get(name)
        if act == "submit" and (job is None or not job.state.live):
            self._submit(name, job, layout)
        if job is None:
            return
        if job.state.live:
            wanted = self._changed(act, job)
            if act == "fall back" and job.layout > 1 and job.state is State.QUEUED:
                self.jobs[name] = table.fall_back(job)
            elif wanted:
                if not wanted.state.live:
                    self.runs[name] += wanted.layout == 1
                self.jobs[name] = table.write(wanted)
        elif act == "delete":
            table.delete_runs(job.id)
            table.delete(job)
            self.runs.pop(name, None)
            del self.jobs[name]

    def _submit(self, name: str, ended: Job | None, layout: int) -> None:
        id_ = JobId(self.world.cluster.workspace, "exp", name)
        made = CREATED + timedelta(hours=self._step)
        job = a_job(id=id_, uuid=f"u{self._step}", cluster=self.world.cluster, layout=layout)
        job = replace(job, created=made, enqueued=made, state_since=made, etag="")
        table = self.world.stores.jobs
        self.jobs[name] = table.replace_ended(ended, job) if ended else table.insert(job)
        if ended:
            self.runs[name] += ended.layout > 1

    def _changed(self, act: str, job: Job) -> Job | None:
        now = CREATED + timedelta(hours=self._step)
        if act == "claim" and job.state is State.QUEUED:
            return transitions.claim(job, "node-0", "m", now)
        if act == "terminate" and job.state is not State.TERMINATING:
            return transitions.request_termination(job, now)
        if act in ("succeed", "fail") and job.owner:
            reason = Reason.SUCCEEDED if act == "succeed" else Reason.JOB_FAILED
            return transitions.finish(job, Outcome(reason, int(act == "fail")), now)
        if act == "requeue" and job.state is State.RUNNING:
            return transitions.requeue(job, Outcome(Reason.RUNNER_LOST, message="lost"), now)
        if act == "note":
            return replace(job, enqueued=now)
        return None

    def pages(self, asked: JobFilter, most: int) -> list[str]:
        found, token, lists = [], "", self.world.backend.lists
        while True:
            page = lists.page(self.world.cluster.workspace, "exp", asked, token, most)
            assert len(page.jobs) <= most
            for job in page.jobs:
                assert replace(job, etag="") == replace(self.jobs[job.id.job], etag="")
                found.append(job.id.job)
            token = page.token
            if not token:
                return found

    def expected(self, asked: JobFilter) -> list[str]:
        fits = [
            job
            for job in self.jobs.values()
            if asked.state in (None, job.state)
            and (asked.created_after is None or job.created >= asked.created_after)
            and (asked.created_before is None or job.created < asked.created_before)
            and job.id.job.startswith(asked.prefix)
        ]
        fits.sort(key=lambda job: job.id.job if asked.by_name else -job.created.timestamp())
        return [job.id.job for job in fits]

    def rows(self) -> int:
        """How many rows there should be."""
        return sum(map(self._rows, self.jobs.values())) + sum(self.runs.values())

    @staticmethod
    def _rows(job: Job) -> int:
        if job.state.live:
            return 4 if job.layout == 1 else 3
        return 2 if job.layout == 3 and job.state is State.SUCCEEDED else 3


@settings(max_examples=examples(60), deadline=None)
@given(HISTORIES, st.integers(1, 3), st.integers(0, 25))
def test_lists_are_those_of_a_model_after_any_history(history: list[Act], most: int, hours: int) -> None:
    model = Model()
    for act in history:
        model.do(*act)
        model.world.clock.move(job_lists._CACHE_SECONDS)
    when = CREATED + timedelta(hours=hours)
    for asked in (
        JobFilter(),
        JobFilter(prefix="job"),
        JobFilter(prefix="job1"),
        JobFilter(created_after=when),
        JobFilter(created_before=when),
        *(JobFilter(state) for state in State),
        *(JobFilter(state, created_before=when) for state in State),
        *(JobFilter(state, created_after=when) for state in State),
    ):
        assert model.pages(asked, most) == model.expected(asked), asked
    table = model.world.account.tables.get_table_client(job_table.TABLE)
    assert len(list(table.list_entities())) == model.rows()
    live = model.world.stores.jobs.list_live(model.world.cluster)
    expected = sorted((j for j in model.jobs.values() if j.state.live), key=lambda j: j.created)
    assert [(e.uuid, e.state, e.owner, e.layout) for e in live] == [
        (j.uuid, j.state, j.owner, j.layout) for j in expected
    ]
