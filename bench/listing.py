"""What pages of jobs cost in a large experiment: `python -m bench.listing [jobs]`, 100,000 by default.

Fills an Azurite (in memory) with ended jobs and a few running ones, through transactions as large as the
service takes, and prints for each kind of page the seconds (median of several) and the storage calls. Azurite
answers any query by a look at every row of the table and a sort of what fits, the service by a range of its
one index: the calls are what counts, the seconds are an upper bound.
"""

import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.azurite_backend import azurite_backend
from shared.backend import Backend
from shared.jobs import layouts, transitions
from shared.jobs.model import Job, Outcome, Reason, State
from shared.names.ids import ClusterId, JobId
from shared.stores import job_entries, job_rows, row_keys
from shared.stores.connection import CallCounter
from shared.stores.job_lists import JobFilter
from shared.stores.job_table import TABLE

_WORKSPACE, _EXPERIMENT = "bench", "exp"
_START = datetime(2026, 1, 1, tzinfo=UTC)
_PROPERTIES = (
    '{"nodeCount":1,"stdOutErrPathPrefix":"$AZ_BATCHAI_JOB_MOUNT_ROOT/logs","customToolkitSettings":{"commandLine":'
    '"python $AZ_BATCHAI_JOB_MOUNT_ROOT/scripts/train.py"},"constraints":{"maxWallClockTime":"P7D"}}'
)
_RUNNING, _RUNS, _PAGE, _REPEATS = 20, 50, 100, 5


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    os.environ["NODE_OPTIONS"] = "--max-old-space-size=8192"
    with azurite_backend() as (services, counter, _):
        _fill(services, count)
        _measure(services, counter, count)


def _job(number: int) -> Job:
    made = _START + timedelta(seconds=30 * number)
    job = Job(
        id=JobId(_WORKSPACE, _EXPERIMENT, f"job-{number:06}"),
        uuid=f"00000000-0000-0000-0000-{number:012}",
        cluster=ClusterId(_WORKSPACE, "cluster"),
        priority="normal",
        node_count=1,
        tool_type="custom",
        state=State.QUEUED,
        created=made,
        state_since=made,
        source="bench",
        content_sha256="0" * 64,
        enqueued=made,
        properties=_PROPERTIES,
        layout=layouts.LATEST,
    )
    running = transitions.claim(job, "node-0", "message", made)
    if number % 5000 == 2500 and number < 5000 * _RUNNING:
        return running
    reason = Reason.JOB_FAILED if number % 10 == 0 else Reason.SUCCEEDED
    return transitions.finish(running, Outcome(reason, int(number % 10 == 0)), made + timedelta(minutes=5))


def _entities(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        job = _job(number)
        made = job_entries.added(job) if job.state.live else job_entries.ended(job)
        yield from (entity for verb, entity, *_ in made if verb != "delete")
    for run in range(_RUNS):
        earlier = replace(_job(1), uuid=f"earlier-{run}", created=_START - timedelta(days=_RUNS - run))
        yield job_rows.job_entity(earlier, row_keys.run_row(earlier))


def _fill(services: Backend, count: int) -> None:
    table = services.connection.tables.get_table_client(TABLE)
    before, entities, done = time.monotonic(), _entities(count), 0
    while part := list(itertools.islice(entities, 100)):
        table.submit_transaction([("create", entity) for entity in part])
        done += 1
        if done % 300 == 0:
            print(f"{done * 100} rows, {time.monotonic() - before:.0f} s", flush=True)
    print(f"filled: {count} jobs, {time.monotonic() - before:.0f} s")


def _measure(services: Backend, counter: CallCounter, count: int) -> None:
    middle = JobId(_WORKSPACE, _EXPERIMENT, f"job-{count // 2:06}")
    when = _START + timedelta(seconds=30 * count // 2)

    def page(asked: JobFilter, token: str = "") -> Callable[[], int]:
        lists = services.lists
        return lambda: len(lists.page(_WORKSPACE, _EXPERIMENT, asked, token, _PAGE).jobs)

    def point_read() -> int:
        table = services.connection.tables.get_table_client(TABLE)
        table.get_entity(row_keys.partition(_WORKSPACE), row_keys.job_row(middle))
        return 1

    one, _, _ = _timed(counter, point_read)
    print(f"\npages of {_PAGE}\n{'':<34}{'jobs':>6}{'calls':>7}{'seconds':>9}{'point reads':>13}")
    for name, call in {
        "a point read": point_read,
        "a job by its name": lambda: len([services.manager.get(middle)]),
        "first page": page(JobFilter()),
        "a page in the middle": page(JobFilter(), middle.job),
        "by prefix, 100 jobs": page(JobFilter(prefix=middle.job[:-2])),
        f"running ({_RUNNING} of them)": page(JobFilter(State.RUNNING)),
        "succeeded": page(JobFilter(State.SUCCEEDED)),
        "failed (one in ten)": page(JobFilter(State.FAILED)),
        "latest": page(JobFilter(created_after=_START)),
        "created before the middle": page(JobFilter(created_before=when)),
        "failed, before the middle": page(JobFilter(State.FAILED, created_before=when)),
        f"earlier runs of a name ({_RUNS})": lambda: len(services.manager.runs(_job(1).id)),
    }.items():
        seconds, calls, jobs = _timed(counter, call)
        print(f"{name:<34}{jobs:>6}{calls:>7}{seconds:>9.3f}{seconds / one:>13.1f}", flush=True)


def _timed(counter: CallCounter, call: Callable[[], int]) -> tuple[float, int, int]:
    """Median seconds, storage calls and jobs of a call."""
    found, spent = call(), []
    for _ in range(_REPEATS):
        counter.reset()
        before = time.monotonic()
        found = call()
        spent.append(time.monotonic() - before)
    return statistics.median(spent), counter.snapshot().total(), found


if __name__ == "__main__":
    main()
