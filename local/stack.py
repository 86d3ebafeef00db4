"""The stack: its parts started in order, each waited for, stopped in reverse."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import psutil

from local import azurite, environment, processes
from local.host.launch import host_command
from local.layout import DataDirectory, Part, StackState, save
from local.processes import Child
from runner import gpus
from runner.gpu_share import Gpu
from shared.settings import settings_from
from shared.wiring import provision

#: Where function_app.py is.
APP = Path(__file__).parent.parent
CLUSTER = "default"
_READY_SECONDS = 60.0


class Stack:
    """Starts and stops everything on this machine. `say` gets a line per part."""

    def __init__(
        self,
        directory: DataDirectory,
        say: Callable[[str], None],
        runners: int = 1,
        overrides: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`overrides`: settings that replace those of local/environment.py, for every part."""
        self._directory = directory
        self._say = say
        self._runners = runners
        self._overrides = dict(overrides)
        self._children: list[tuple[Child, str]] = []

    def start(self, prepare: Callable[[StackState], None] | None = None) -> StackState:
        """Start every part, let `prepare` do its work on the running stack, and write the state down.

        On any failure what was started is stopped again. Raises processes.StartError with the end of the
        faulty part's log.
        """
        self._directory.make()
        try:
            state = self._start()
            if prepare:
                prepare(state)
            save(self._directory, state)
            return state
        except BaseException:
            self.stop()
            raise

    def _start(self) -> StackState:
        child, endpoints = azurite.start(self._log("azurite"), location=self._directory.azurite)
        self._add(child, f"blob {endpoints.blob_endpoint}, queue, table")
        files_port = self._start_files()
        shared = environment.shared_settings(self._directory, endpoints, files_port) | self._overrides
        provision(settings_from(shared))
        http_port = self._start_host(environment.function_app_settings(shared))
        account = endpoints.account
        for number, choice in enumerate(dealt_gpus(gpus.inventory(), self._runners)):
            self._start_runner(number, shared, account, choice)
        me = psutil.Process()
        return StackState(
            pid=me.pid,
            started=me.create_time(),
            storage=endpoints.connection_string,
            files=environment.files_connection(endpoints, files_port),
            http=f"http://127.0.0.1:{http_port}",
            parts=tuple(Part(c.name, c.process.pid, where, str(c.log)) for c, where in self._children),
        )

    def _start_files(self) -> int:
        port = processes.free_port()
        command = [sys.executable, "-m", "local.files", "--root", str(self._directory.shares)]
        child = processes.start(
            "Azure Files", [*command, "--port", str(port)], self._log("files"), environment.machine(), APP
        )
        self._children.append((child, ""))
        child.wait_ready(lambda: processes.port_open(port), _READY_SECONDS)
        self._children.pop()
        self._add(child, f"http://127.0.0.1:{port}/{azurite.ACCOUNT} over {self._directory.shares}")
        return port

    def _start_host(self, settings: Mapping[str, str]) -> int:
        port = processes.free_port()
        env = environment.machine() | dict(settings)
        command = host_command(APP, port, poll_seconds=1.0, environment=env)
        name = "functions host" if "local.host" in command else "functions host (func)"
        child = processes.start(name, command, self._log("functions"), env, APP)
        self._children.append((child, ""))
        child.wait_ready(lambda: _healthy(f"http://127.0.0.1:{port}/health"), _READY_SECONDS)
        self._children.pop()
        self._add(child, f"http://127.0.0.1:{port} (loopback only, no sign-in)")
        return port

    def _start_runner(self, number: int, shared: Mapping[str, str], account: str, choice: str) -> None:
        node_id = f"local-{number}"
        # A directory of shares: the runner finds account/share by asking for the share's own folder.
        premounted = {f"{account}/*": self._directory.shares}
        env = environment.machine() | environment.runner_settings(shared, premounted)
        root = self._directory.node(node_id)
        command = [sys.executable, "-m", "runner", "--cluster", CLUSTER, "--node-id", node_id]
        command += ["--gpus", choice, "--address", loopback_address(number)]
        log = self._log(f"runner-{node_id}")
        child = processes.start(f"runner {node_id}", [*command, "--root", str(root)], log, env, APP)
        self._children.append((child, ""))
        begun = log.stat().st_size
        child.wait_ready(lambda: b"node " in log.read_bytes()[begun:], _READY_SECONDS)
        self._children.pop()
        self._add(child, f"cluster {CLUSTER}, root {root}")

    def part(self, name: str) -> Child:
        """A running part by its name, as `say` was told it."""
        return next(child for child, _ in self._children if child.name == name)

    def watch(self) -> str | None:
        """The name of a part that has ended by itself, with the end of its log; None while all run."""
        for child, _ in self._children:
            if not child.alive:
                return f"{child.name} ended with exit code {child.process.returncode}.\n{child.tail()}"
        return None

    def stop(self) -> None:
        """Stop every part, the last started first. Nothing is left running or mounted."""
        for child, _ in reversed(self._children):
            child.stop(grace_seconds=20.0)
        self._children.clear()
        self._directory.state.unlink(missing_ok=True)

    def _add(self, child: Child, where: str) -> None:
        self._children.append((child, where))
        self._say(f"{child.name:<24} {where}")

    def _log(self, name: str) -> Path:
        return self._directory.logs / f"{name}.log"


def loopback_address(number: int) -> str:
    """An address of this machine that is the runner's own: the nodes of a job open the same ports. Only Linux
    answers on all of 127.0.0.0/8 without being told to."""
    return f"127.0.0.{1 + number % 254}" if sys.platform == "linux" else "127.0.0.1"


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # nosec B310 # our own URL
            return bool(json.load(answer)["status"] == "ok")
    except (urllib.error.URLError, OSError, ValueError):
        return False


def dealt_gpus(machine: Sequence[Gpu], runners: int) -> list[str]:
    """The machine's GPUs dealt out to its runners, as their `--gpus`: neighbours together, none twice."""
    edges = [number * len(machine) // runners for number in range(runners + 1)] if runners else []
    parts = [machine[first:end] for first, end in pairwise(edges)]
    return [",".join(str(device.index) for device in part) or "none" for part in parts]
