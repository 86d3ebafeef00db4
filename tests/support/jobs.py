"""Jobs as the state functions see them, for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.jobs.model import Job, Lease, State
from shared.names.ids import ClusterId, JobId, Scope

SCOPE = Scope("00000000-0000-0000-0000-000000000000", "clitest.rg000001")
CREATED = datetime(2019, 12, 29, 7, 41, 36, 724000, UTC)
JOB = JobId("workspace", "experiment", "job")
UUID = "4b24a36b-e8aa-44d9-a068-7374ffa63a90"


def after(seconds: float) -> datetime:
    """A moment after the job's creation."""
    return CREATED + timedelta(seconds=seconds)


def a_job(**changes: Any) -> Job:
    """A queued job; `changes` are fields of Job."""
    fields: dict[str, Any] = {
        "id": JOB,
        "uuid": UUID,
        "cluster": ClusterId("workspace", "cluster"),
        "priority": "normal",
        "node_count": 1,
        "tool_type": "custom",
        "state": State.QUEUED,
        "created": CREATED,
        "state_since": CREATED,
        "source": "jobs/workspace/experiment/job/job.json@0x1",
        "content_sha256": "ab" * 32,
        "enqueued": CREATED,
        "etag": "row-1",
    }
    return Job(**fields | changes)


def in_state(state: State) -> Job:
    """A job in `state`, as the state functions would have left it."""
    if state is State.QUEUED:
        return a_job()
    taken = {"attempt": 1, "owner": "node-0", "message_id": "message-1", "started": after(5)}
    if state.live:
        return a_job(state=state, state_since=after(5), **taken)
    return a_job(
        state=state,
        state_since=after(9),
        attempt=1,
        started=after(5),
        ended=after(9),
        exit_code=0 if state is State.SUCCEEDED else 1,
    )


def lease_of(job: Job, **changes: Any) -> Lease:
    """The lease a job in the hands of a runner is held by."""
    fields: dict[str, Any] = {
        "job": job.id,
        "uuid": job.uuid,
        "attempt": job.attempt,
        "owner": job.owner,
        "queue": "a-queue",
        "message_id": job.message_id,
        "pop_receipt": "receipt",
        "deadline": 90.0,
    }
    return Lease(**fields | changes)
