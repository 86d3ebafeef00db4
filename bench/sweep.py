"""What a sweep costs with many live jobs and nothing wrong: `python -m bench.sweep [jobs]` (10,000).

Fills an Azurite (in memory) with jobs of one cluster that wait, each with a message, and prints of several
sweeps seconds, CPU (of this process and of Azurite) and storage calls. Each of the first twenty gives the
reasons of fifty jobs.
"""

import itertools
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from bench.azurite_backend import azurite_backend
from local.processes import Child
from shared.backend import Backend
from shared.names.ids import ClusterId, queue_name
from shared.stores.connection import CallCounter
from shared.stores.job_table import TABLE
from tests.support.many_jobs import entities, live_jobs

_APP = Path(__file__).parent.parent
_CLUSTER = ClusterId("default", "default")
_LATE_SECONDS = 21.0  # from then on a job's waiting is explained
_SWEEPS = 4


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with azurite_backend() as (services, counter, child):
        _fill(services, count)
        time.sleep(_LATE_SECONDS)
        _measure(services, counter, child)


def _fill(services: Backend, count: int) -> None:
    begun = time.monotonic()
    place = f"{services.settings.clusters_container}/{_CLUSTER}/cluster.json"
    services.cluster_manager.accept(_CLUSTER, (_APP / "examples/hello/cluster.json").read_bytes(), place)
    jobs = list(live_jobs(_CLUSTER, count, 0, datetime.now(UTC) - timedelta(hours=1)))
    table = services.connection.tables.get_table_client(TABLE)
    rows = itertools.chain.from_iterable(map(entities, jobs))
    while part := list(itertools.islice(rows, 100)):
        table.submit_transaction([("create", entity) for entity in part])
    queue = services.connection.queues.get_queue_client(queue_name(_CLUSTER, "normal"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda job: queue.send_message(job.uuid, time_to_live=-1), jobs))
    print(f"filled: {count} jobs, {time.monotonic() - begun:.0f} s")


def _measure(services: Backend, counter: CallCounter, emulator: Child) -> None:
    print(f"{'sweep':<8}{'seconds':>9}{'CPU s':>8}{'azurite':>9}{'calls':>8}")
    for number in range(_SWEEPS):
        counter.reset()
        begun, cpu, theirs = time.monotonic(), time.process_time(), _cpu(emulator)
        report = services.sweeper.sweep()
        seconds, spent = time.monotonic() - begun, time.process_time() - cpu
        theirs = _cpu(emulator) - theirs
        calls = counter.snapshot()
        print(f"{number + 1:<8}{seconds:9.2f}{spent:8.2f}{theirs:9.2f}{calls.total():8}   {dict(calls)}")
        assert (report.resent, report.ended, report.faults) == (0, 0, 0), report


def _cpu(child: Child) -> float:
    times = psutil.Process(child.process.pid).cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
