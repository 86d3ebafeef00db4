"""The stack: its parts started in order, each waited for, stopped in reverse."""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import psutil

from local import azurite, environment, processes
from local.host.launch import host_command
from local.layout import DataDirectory, Part, StackState, save
from local.pools import PoolKeeper
from local.ports import Ports, choose, remember, remembered
from local.processes import Child
from local.runner_process import RunnerPlace, dealt_gpus, loopback_address
from runner.machine import nvml
from shared.backend import Backend, backend, provision
from shared.names.ids import ClusterId
from shared.settings import Settings
from shared.settings_reader import settings_from

#: Where function_app.py is.
APP = Path(__file__).parent.parent
HOME = ClusterId("default", "default")
NO_PORTS = Ports()
#: Of this process's environment, what the stand-in of ARM looks at.
_OF_ARM = ("BATCHAI_LOCAL_START_SECONDS",)
_READY_SECONDS = 60.0
_STOP_SECONDS = 25.0


class Stack:
    """Starts and stops everything on this machine. `say` gets a line per part."""

    def __init__(
        self,
        directory: DataDirectory,
        say: Callable[[str], None],
        runners: int = 1,
        overrides: Mapping[str, str] = MappingProxyType({}),
        ports: Ports = NO_PORTS,
        home: ClusterId = HOME,
        machines: int = 0,
    ) -> None:
        """`runners`: so many are started at once and stay, in a stack without machines. `machines`: how many
        there may be; they come and go with the jobs, and no runner is started for now. `overrides`: settings
        that replace those of local/environment.py, for every part; `ports`: those that are chosen by hand;
        `home`: the cluster that runners work for until another one has work."""
        self._directory = directory
        self._say = say
        self._runners = 0 if machines else runners
        self._machines = machines
        self._overrides = dict(overrides)
        self._wanted = ports
        self._home = home
        self._children: list[tuple[Child, str]] = []
        self._places: dict[str, RunnerPlace] = {}
        self._served: dict[str, ClusterId] = {}
        self._shared: dict[str, str] = {}
        self._state: StackState | None = None
        self._keeper: PoolKeeper | None = None
        self._wired: Backend | None = None

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
            self._state = state
            save(self._directory, state)
            return state
        except BaseException:
            self.stop()
            raise

    def _start(self) -> StackState:
        ports = choose(self._wanted, remembered(self._directory.ports))
        remember(self._directory.ports, ports)
        endpoints = azurite.Endpoints(ports.blob, ports.queue, ports.table)
        child, _ = azurite.start(
            self._log("azurite"), self._directory.azurite, endpoints, self._directory.blob_changes
        )
        self._add(child, f"blob {endpoints.blob_endpoint}, queue, table")
        self._start_files(ports.file)
        self._shared = environment.shared_settings(self._directory, endpoints, ports.file) | self._overrides
        provision(self.settings)
        app = environment.function_app_settings(self._shared, self._directory)
        arm = f"http://127.0.0.1:{ports.arm}" if self._machines else ""
        if arm:
            self._start_arm(ports.arm)
            app |= environment.arm_settings(self._directory, arm, self._machines) | self._overrides
        self._start_host(ports.http, app)
        if arm:
            self._wired = backend(self.settings)
            self._keeper = PoolKeeper(self._wired, arm, environment.arm_token(self._directory))
            self._keeper.start()
        for number, choice in enumerate(dealt_gpus(nvml.inventory(), self._runners)):
            node_id = f"local-{number}"
            address = loopback_address(number)
            self._places[node_id] = RunnerPlace(node_id, address, choice, self._directory)
            self._start_runner(node_id, self._home)
        me = psutil.Process()
        return StackState(
            pid=me.pid,
            started=me.create_time(),
            storage=endpoints.connection_string,
            files=environment.files_connection(endpoints, ports.file),
            http=f"http://127.0.0.1:{ports.http}",
            parts=self._parts(),
            arm=arm,
            runner=environment.without_sealing_key(self._runner_settings()),
        )

    def _parts(self) -> tuple[Part, ...]:
        return tuple(Part(c.name, c.process.pid, where, str(c.log)) for c, where in self._children)

    def _start_files(self, port: int) -> None:
        command = [sys.executable, "-m", "local.files", "--root", str(self._directory.shares)]
        command += ["--alias", environment.FILES_ALIAS]
        child = processes.start(
            "Azure Files", [*command, "--port", str(port)], self._log("files"), environment.machine(), APP
        )
        self._children.append((child, ""))
        child.wait_ready(lambda: processes.port_open(port), _READY_SECONDS)
        self._children.pop()
        self._add(child, f"http://127.0.0.1:{port}/{azurite.ACCOUNT} over {self._directory.shares}")

    def _start_host(self, port: int, settings: Mapping[str, str]) -> None:
        env = environment.of_function_app(settings)
        command = host_command(
            APP, port, poll_seconds=1.0, blob_changes=self._directory.blob_changes, environment=env
        )
        name = "functions host" if "local.host" in command else "functions host (func)"
        child = processes.start(name, command, self._log("functions"), env, APP)
        self._children.append((child, ""))
        child.wait_ready(lambda: _healthy(f"http://127.0.0.1:{port}/health"), _READY_SECONDS)
        self._children.pop()
        self._add(child, f"http://127.0.0.1:{port} (loopback only, no sign-in)")

    def _start_arm(self, port: int) -> None:
        """The stand-in of ARM, whose environment is that of its machines."""
        own = {name: os.environ[name] for name in _OF_ARM if name in os.environ}
        own["BATCHAI_LOCAL_ARM_TOKEN"] = environment.arm_token(self._directory)
        command = [sys.executable, "-m", "local.arm", "--root", str(self._directory.root)]
        command += ["--machines", str(self._machines), "--port", str(port)]
        env = environment.machine() | self._runner_settings() | own
        child = processes.start("machines (ARM)", command, self._log("arm"), env, APP)
        self._children.append((child, ""))
        child.wait_ready(lambda: processes.port_open(port), _READY_SECONDS)
        self._children.pop()
        self._add(child, f"http://127.0.0.1:{port}; none runs, {self._machines} at most")

    def _start_runner(self, node_id: str, cluster: ClusterId) -> None:
        place = self._places[node_id]
        env = environment.machine() | self._runner_settings()
        log = self._log(f"runner-{node_id}")
        begun = log.stat().st_size if log.exists() else 0
        child = processes.start(_runner_name(node_id), place.command(cluster), log, env, APP)
        self._children.append((child, ""))
        child.wait_ready(lambda: b"node " in log.read_bytes()[begun:], _READY_SECONDS)
        self._children.pop()
        self._served[node_id] = cluster
        self._add(child, f"cluster {cluster}, root {place.root(cluster)}")

    @property
    def settings(self) -> Settings:
        """What the parts of the running stack are given."""
        return settings_from(self._shared)

    def served(self) -> Mapping[str, ClusterId]:
        """The cluster of each runner, by node id."""
        return dict(self._served)

    def move(self, places: Mapping[str, ClusterId]) -> None:
        """Stop runners, each as it stops by itself, and start them for other clusters.

        Raises StartError when one does not come up again.
        """
        moved = [(node_id, self.part(_runner_name(node_id))) for node_id in places]
        for _, child in moved:
            child.ask_to_stop()
        for node_id, child in moved:
            child.stop(_STOP_SECONDS)
            self._children = [entry for entry in self._children if entry[0] is not child]
            self._start_runner(node_id, places[node_id])
        if self._state:
            self._state = replace(self._state, parts=self._parts())
            save(self._directory, self._state)

    def _runner_settings(self) -> dict[str, str]:
        return environment.runner_settings(self._shared, self._directory)

    def part(self, name: str) -> Child:
        """A running part by its name, as `say` was given it."""
        return next(child for child, _ in self._children if child.name == name)

    def watch(self) -> str | None:
        """The name of a part that has ended by itself, with the end of its log; None while all run."""
        for child, _ in self._children:
            if not child.alive:
                return f"{child.name} ended with exit code {child.process.returncode}.\n{child.tail()}"
        return None

    def stop(self) -> None:
        """Stop every part, the last started first. Nothing is left running or mounted."""
        if self._keeper:
            self._keeper.end()
            self._keeper = None
        if self._wired:
            self._wired.close()
            self._wired = None
        for child, _ in reversed(self._children):
            child.stop(_STOP_SECONDS)
        self._children.clear()
        self._served.clear()
        self._directory.state.unlink(missing_ok=True)

    def _add(self, child: Child, where: str) -> None:
        self._children.append((child, where))
        self._say(f"{child.name:<24} {where}")

    def _log(self, name: str) -> Path:
        return self._directory.logs / f"{name}.log"


def _runner_name(node_id: str) -> str:
    return f"runner {node_id}"


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # nosec B310 # our own URL
            return bool(json.load(answer)["status"] == "ok")
    except (urllib.error.URLError, OSError, ValueError):
        return False
