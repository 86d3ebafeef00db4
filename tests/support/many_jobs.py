"""Rows of many live jobs, as submissions and claims would have left them, without the calls."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.jobs import layouts, transitions
from shared.jobs.model import Job, Outcome, Reason, State
from shared.names.ids import ClusterId, JobId
from shared.stores import job_entries, job_rows, row_keys

_PROPERTIES = '{"nodeCount":1,"customToolkitSettings":{"commandLine":"true"}}'


def live_jobs(
    cluster: ClusterId, count: int, running: int, since: datetime, layout: int = layouts.LATEST
) -> Iterator[Job]:
    """`count` jobs, the first `running` of them claimed by nodes called node-0, node-1, ..."""
    for number in range(count):
        made = since + timedelta(milliseconds=number)
        job = Job(
            id=JobId(cluster.workspace, "exp", f"job-{number:06}"),
            uuid=f"00000000-0000-0000-0000-{number:012}",
            cluster=cluster,
            priority="normal",
            node_count=1,
            tool_type="custom",
            state=State.QUEUED,
            created=made,
            state_since=made,
            source=f"jobs/job-{number}@0x1",
            content_sha256="0" * 64,
            enqueued=made,
            properties=_PROPERTIES,
            layout=layout,
        )
        owner = f"node-{number}"
        yield transitions.claim(job, owner, f"message-{number}", made) if number < running else job


def entities(job: Job) -> Iterator[dict[str, Any]]:
    """The rows of a live job."""
    for _, entity, *_ in job_entries.added(job):
        yield entity


def ended_jobs(cluster: ClusterId, count: int, since: datetime) -> Iterator[Job]:
    """`count` jobs that have succeeded, the latest of which was made a second before `since`."""
    begin = since - timedelta(seconds=count)
    for number, job in enumerate(live_jobs(cluster, count, count, begin)):
        made = begin + timedelta(seconds=number)
        job = replace(job, created=made, enqueued=made, started=made + timedelta(seconds=5))
        yield transitions.finish(job, Outcome(Reason.SUCCEEDED, 0), made + timedelta(seconds=65))


def listed(job: Job) -> Iterator[dict[str, Any]]:
    """The rows that lists by name and by time read of a job that has ended."""
    row = job_rows.job_entity(job, row_keys.job_row(job.id))
    yield row
    yield job_rows.listed_entity(job, row, row_keys.time_row(job))
