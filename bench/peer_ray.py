"""Ray, a task for each job, which runs the job's command as a process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from bench.peer import COMMAND, Drain, Latency, Missing
from bench.process_cost import MIB, Cost, cost_of

_ROOT = Path(__file__).parent.parent
_ENVIRONMENT = _ROOT / ".venvs" / "peers-ray"
_REQUIREMENT = "ray==2.60.0"


def installed() -> Path:
    """The interpreter of the peer's own environment, made when missing. Raises Missing."""
    python = _ENVIRONMENT / "bin" / "python"
    if not (_ENVIRONMENT / "bin" / "ray").exists():
        words = [str(python), "-m", "pip", "install", "--quiet", _REQUIREMENT]
        try:
            subprocess.run([sys.executable, "-m", "venv", str(_ENVIRONMENT)], check=True)
            subprocess.run(words, check=True)
        except subprocess.CalledProcessError as error:
            raise Missing(f"Ray: {_REQUIREMENT} cannot be installed into {_ENVIRONMENT}") from error
    return python


class Ray:
    """The peer. It has no queue that waits for workers: what is put begins when they are woken."""

    name = "Ray"

    def __init__(self, folder: Path) -> None:
        self._driver = subprocess.Popen(
            [str(installed()), "-m", "bench.ray_side", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / "log").open("ab"),
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            cwd=_ROOT,
            text=True,
        )
        self._count = 0

    def workers(self, count: int) -> None:
        self._ask("workers", count=count)
        self.put(count * 3)
        self.drained()

    def wake(self) -> None:
        pass

    def quiet(self) -> None:
        pass

    def put(self, count: int) -> None:
        self._count = count

    def drained(self) -> Drain:
        times = self._ask("drain", command=COMMAND, count=self._count)
        return Drain(self._count, times["last"] - times["first"])

    def one(self) -> Latency:
        times = self._ask("one", command=COMMAND)
        return Latency(times["accepted"] * 1e3, times["started"] * 1e3, times["seen"] * 1e3)

    def cost(self) -> Cost:
        """The processor time of the raylet with its workers; the memory of one of these."""
        started = psutil.Process(self._driver.pid).children(recursive=True)
        raylets = [process for process in started if process.name() == "raylet"]
        workers = [child for raylet in raylets for child in raylet.children()]
        memory = max((worker.memory_info().rss / MIB for worker in workers), default=0.0)
        return Cost(cost_of(raylet.pid for raylet in raylets).cpu_seconds, memory)

    def calls(self) -> float:
        return float("nan")

    def close(self) -> None:
        assert self._driver.stdin
        self._driver.stdin.close()
        self._driver.wait()

    def _ask(self, what: str, **values: Any) -> Any:
        assert self._driver.stdin and self._driver.stdout
        self._driver.stdin.write(json.dumps({"do": what, **values}) + "\n")
        self._driver.stdin.flush()
        return json.loads(self._driver.stdout.readline())
