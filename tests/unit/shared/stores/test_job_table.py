"""shared.stores.job_table: what a write costs this process."""

import pytest

from shared.jobs import transitions
from shared.jobs.model import Job, Outcome, Reason
from shared.stores import job_rows
from shared.stores.job_table import JobTable
from tests.support.jobs import a_job, after
from tests.support.memory.world import memory_world


def test_a_job_is_made_a_row_of_once_a_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows hold it whole."""
    world = memory_world()
    jobs = JobTable(world.backend.connection)
    made: list[str] = []
    entity = job_rows.job_entity

    def counted(job: Job, row_key: str) -> dict[str, object]:
        made.append(row_key)
        return entity(job, row_key)

    monkeypatch.setattr(job_rows, "job_entity", counted)
    written = jobs.insert(a_job(id=world.id("job"), cluster=world.cluster))
    claimed = jobs.update(transitions.claim(written, "node-0", "message", after(1)))
    jobs.end(transitions.finish(claimed, Outcome(Reason.SUCCEEDED, 0), after(2)))
    assert len(made) == 3
