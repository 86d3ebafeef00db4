"""Ours: runners as they are started everywhere, and Azurite on the same cores."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.counted_runner import calls_in, fresh
from bench.peer import COMMAND, LOOK_SECONDS, Drain, Latency
from bench.process_cost import Cost, cost_of, stopped
from local import azurite
from local.environment import AS_ITSELF
from shared.backend import backend, provision
from shared.jobs.model import Job, State
from shared.managers.admission import Source
from shared.names.ids import ClusterId, JobId
from shared.settings_reader import settings_from
from shared.stores.connection import CallCounter
from shared.stores.job_queues import JobQueues

_ROOT = Path(__file__).parent.parent
_CLUSTER = ClusterId("bench", "nodes")
_CLUSTER_DOCUMENT = {
    "properties": {
        "vmSize": "STANDARD_D1",
        "userAccountSettings": {"adminUserName": "me", "adminUserSshPublicKey": "ssh-rsa AAAA"},
    }
}
_DOCUMENT = json.dumps(
    {
        "properties": {
            "nodeCount": 1,
            "cluster": {"id": "nodes"},
            "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT",
            "customToolkitSettings": {"commandLine": COMMAND},
        }
    }
).encode()


class Ours:
    """The peer. Jobs are put as the trigger puts a dropped file; the functions host is not in the way."""

    name = "ours"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._azurite, endpoints = azurite.start(folder / "azurite.log", folder / "azurite")
        key = base64.b64encode(os.urandom(32)).decode()
        self._settings = {
            "BATCHAI_STORAGE": endpoints.connection_string,
            "BATCHAI_SEALING_KEYS": key,
            "BATCHAI_DEFAULT_WORKSPACE": _CLUSTER.workspace,
            **AS_ITSELF,
        }
        settings = settings_from(self._settings)
        provision(settings)
        self._counter = CallCounter()
        self._backend = backend(settings, self._counter)
        self._queues = JobQueues(self._backend.connection)
        place = f"{settings.clusters_container}/{_CLUSTER}/cluster.json"
        document = json.dumps(_CLUSTER_DOCUMENT).encode()
        answer = self._backend.cluster_manager.accept(_CLUSTER, document, place)
        if not answer.accepted:
            raise SystemExit(f"cluster refused: {answer.problems}")
        self._runners: list[subprocess.Popen[bytes]] = []
        self._names: list[str] = []
        self._number = 0
        self._submissions = 0

    def workers(self, count: int) -> None:
        self._end_runners()
        for number in range(count):
            fresh(self._counts(number))
            words = ["--cluster", str(_CLUSTER), "--node-id", f"n{number}", "--gpus", "none"]
            words += ["--address", "127.0.0.1", "--root", str(self._folder / f"n{number}")]
            with (self._folder / f"n{number}.log").open("ab") as log:
                self._runners.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "bench.counted_runner", str(self._counts(number)), *words],
                        env={**os.environ, **self._settings},
                        cwd=_ROOT,
                        stdout=log,
                        stderr=log,
                    )
                )
        while len(self._backend.clusters.known_nodes(_CLUSTER)) < count:
            time.sleep(0.1)
        self.put(count * 3)
        self.drained()
        self.quiet()

    def wake(self) -> None:
        stopped(self._runners, signal.SIGCONT)

    def quiet(self) -> None:
        stopped(self._runners, signal.SIGSTOP)

    def put(self, count: int) -> None:
        self._names = [self._put() for _ in range(count)]

    def drained(self) -> Drain:
        # Who looks takes from the same cores and the same Azurite: few looks while the runners work, and no
        # runner works while the rows are read.
        self._ended(self._names[-1], LOOK_SECONDS)
        while self._queues.count(_CLUSTER):
            time.sleep(0.02)
        self.quiet()
        jobs = [self._ended(name, 0.0) for name in self._names]
        first = min(job.started.timestamp() for job in jobs if job.started)
        last = max(job.ended.timestamp() for job in jobs if job.ended)
        return Drain(len(jobs), last - first)

    def one(self) -> Latency:
        begun = time.time()
        name = self._put()
        accepted = time.time()
        self._ended(name, 0.002)
        seen = time.time()
        # The temps of a job stay on its node until the next one.
        files = [path for path in self._folder.glob("n*/**/stdout.txt") if name in path.parts]
        started = float(files[0].read_text())
        return Latency((accepted - begun) * 1e3, (started - begun) * 1e3, (seen - begun) * 1e3)

    def cost(self) -> Cost:
        return cost_of(runner.pid for runner in self._runners)

    def calls(self) -> float:
        """Those of submissions and of all that the runners do, looks at empty queues included."""
        counted = [calls_in(self._counts(number)) for number in range(len(self._runners))]
        return float(self._submissions + sum(counted))

    def close(self) -> None:
        self._end_runners()
        self._backend.close()
        self._azurite.stop()

    def _counts(self, number: int) -> Path:
        return self._folder / f"n{number}.calls"

    def _end_runners(self) -> None:
        for runner in self._runners:
            runner.send_signal(signal.SIGCONT)
            runner.terminate()
        for runner in self._runners:
            runner.wait()
        self._runners.clear()

    def _put(self) -> str:
        self._number += 1
        before = self._counter.snapshot().total()
        job = JobId(_CLUSTER.workspace, "exp", f"j{self._number}")
        answer = self._backend.manager.submit(job, _DOCUMENT, Source(f"jobs/{job}/job.json", "0x1"))
        if not answer.accepted:
            raise SystemExit(f"job refused: {answer.problems}")
        self._submissions += self._counter.snapshot().total() - before
        return job.job

    def _ended(self, name: str, pause: float) -> Job:
        while (job := self._backend.manager.get(JobId(_CLUSTER.workspace, "exp", name))).state.live:
            time.sleep(pause)
        if job.state is not State.SUCCEEDED:
            raise SystemExit(f"job {name} {job.state}: {job.errors}")
        return job
