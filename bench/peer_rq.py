"""RQ with a Redis that writes every change to its append-only file, each job in a process of its own."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.peer import COMMAND, LOOK_SECONDS, Drain, Latency, Missing
from bench.process_cost import Cost, cost_of, stopped

_ROOT = Path(__file__).parent.parent
_ENVIRONMENT = _ROOT / ".venvs" / "peers"
_REQUIREMENTS = ("rq==3.0.0", "redis==8.1.0")


def installed() -> Path:
    """The interpreter of the peers' own environment, made when missing. Raises Missing."""
    if not shutil.which("redis-server"):
        raise Missing("RQ: redis-server is missing; Debian: apt-get install redis-server")
    python = _ENVIRONMENT / "bin" / "python"
    if not (_ENVIRONMENT / "bin" / "rq").exists():
        subprocess.run([sys.executable, "-m", "venv", str(_ENVIRONMENT)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *_REQUIREMENTS], check=True)
    return python


class Rq:
    """The peer."""

    name = "RQ"

    def __init__(self, folder: Path) -> None:
        python = installed()
        self._folder = folder
        self._url = f"unix://{folder}/redis"
        words = ["redis-server", "--port", "0", "--unixsocket", f"{folder}/redis", "--dir", str(folder)]
        self._redis = subprocess.Popen([*words, "--appendonly", "yes"], stdout=subprocess.DEVNULL)
        while not (folder / "redis").exists():
            time.sleep(0.02)
        self._environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
        self._driver = subprocess.Popen(
            [str(python), "-m", "bench.rq_side", self._url, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            cwd=_ROOT,
            text=True,
        )
        self._workers: list[subprocess.Popen[bytes]] = []
        self._count = 0

    def workers(self, count: int) -> None:
        self._end_workers()
        command = [str(_ENVIRONMENT / "bin" / "rq"), "worker", "--quiet", "--url", self._url, "bench"]
        for _ in range(count):
            self._workers.append(
                subprocess.Popen(command, env=self._environment, cwd=_ROOT, stdout=subprocess.DEVNULL)
            )
        time.sleep(1.0)
        self.put(count * 3)
        self.drained()
        self.quiet()

    def wake(self) -> None:
        stopped(self._workers, signal.SIGCONT)

    def quiet(self) -> None:
        stopped(self._workers, signal.SIGSTOP)

    def put(self, count: int) -> None:
        self._count = count
        self._ask("put", command=COMMAND, count=count)

    def drained(self) -> Drain:
        times = self._ask("drained", pause=LOOK_SECONDS)
        return Drain(self._count, times["last"] - times["first"])

    def one(self) -> Latency:
        begun = time.time()
        accepted = self._ask("put", command=COMMAND, count=1)
        seen = self._ask("drained", pause=0.002)["seen"]
        newest = max(self._folder.glob("j*.out"))
        started = float(newest.read_text())
        return Latency((accepted - begun) * 1e3, (started - begun) * 1e3, (seen - begun) * 1e3)

    def cost(self) -> Cost:
        return cost_of(worker.pid for worker in self._workers)

    def calls(self) -> float:
        return float(self._ask("commands"))

    def close(self) -> None:
        self._end_workers()
        for process in (self._driver, self._redis):
            process.terminate()
            process.wait()

    def _end_workers(self) -> None:
        for worker in self._workers:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
            worker.wait()
        self._workers.clear()

    def _ask(self, what: str, **values: Any) -> Any:
        assert self._driver.stdin and self._driver.stdout
        self._driver.stdin.write(json.dumps({"do": what, **values}) + "\n")
        self._driver.stdin.flush()
        return json.loads(self._driver.stdout.readline())
