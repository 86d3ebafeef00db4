"""The virtual machines of the local stack: a runner each, kept up as the unit of a real one keeps it up."""

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local import processes
from local.layout import DataDirectory
from local.processes import Child
from local.runner_process import RunnerPlace, loopback_address
from runner.machine import mountinfo
from runner.machine.commands import find_program, run
from shared.names.ids import ClusterId

log = logging.getLogger(__name__)

#: As in the unit that scripts/install-runner writes: RestartSec= and RestartPreventExitStatus=.
_RESTART_SECONDS = 5.0
_STAYS_DOWN = (2, 4)
_KEPT_LOGS = 50
_UNMOUNT_SECONDS = 10.0
CLUSTER_TAG = "batchai-cluster"
APP = Path(__file__).parent.parent


@dataclass(frozen=True)
class Slot:
    """What one machine has of this one."""

    number: int
    gpus: str  #: as for `--gpus`


class RunnerMachines:
    """As many machines as there are slots. Implements local.arm.machines.Machines."""

    def __init__(self, directory: DataDirectory, gpus: Sequence[str], environment: Mapping[str, str]) -> None:
        """`gpus`: one entry per machine; `environment`: what all runners are started with."""
        self._directory = directory
        self._environment = dict(environment)
        slots = [Slot(number, choice) for number, choice in enumerate(gpus)]
        # Those with GPUs first: a machine that is alone has some where there are any.
        self._slots = sorted(slots, key=_rank)
        self.available = len(self._slots)
        _forget_old_logs(directory.logs)

    def start(self, name: str, tags: Mapping[str, str], environment: Mapping[str, str]) -> "RunnerMachine":
        """Its node's id is `name`. Raises OSError where no slot is free or the process cannot be started."""
        workspace, _, cluster = tags.get(CLUSTER_TAG, "").rpartition("/")
        if not cluster:
            raise OSError(f"the scale set has no tag {CLUSTER_TAG}: <workspace>/<cluster>")
        if not self._slots:
            raise OSError("every slot of this machine is taken")
        slot = self._slots.pop(0)
        place = RunnerPlace(name, loopback_address(slot.number), slot.gpus, self._directory)
        served = ClusterId(workspace or "default", cluster)
        return RunnerMachine(place, served, self._environment | dict(environment), self, slot)

    def give_back(self, slot: Slot) -> None:
        """A machine is off: its slot is free."""
        self._slots.append(slot)
        self._slots.sort(key=_rank)


@dataclass
class RunnerMachine:
    """One machine. Implements local.arm.machines.Machine."""

    place: RunnerPlace
    cluster: ClusterId
    environment: Mapping[str, str]
    machines: RunnerMachines
    slot: Slot
    _child: Child = field(init=False)
    _stopping: bool = False
    _ended_at: float | None = None

    def __post_init__(self) -> None:
        self._start()

    def _start(self) -> None:
        name = self.place.node_id
        log_file = self.place.directory.logs / f"runner-{name}.log"
        command = self.place.command(self.cluster)
        self._child = processes.start(f"runner {name}", command, log_file, self.environment, APP)

    @property
    def is_off(self) -> bool:
        return not self._child.alive and (self._stopping or self._child.process.returncode in _STAYS_DOWN)

    def keep_up(self) -> None:
        if self._child.alive or self.is_off:
            self._ended_at = None
            return
        now = time.monotonic()
        self._ended_at = self._ended_at or now
        if now - self._ended_at >= _RESTART_SECONDS:
            self._ended_at = None
            self._start()

    def shut_down(self) -> None:
        self._stopping = True
        self._child.ask_to_stop()

    def power_off(self) -> None:
        self._child.stop(0)
        root = self.place.directory.node(self.place.node_id)
        for mount in mountinfo.mounted_under(root):
            run([find_program("umount") or "umount", "-l", mount.target], timeout_seconds=_UNMOUNT_SECONDS)
        if mountinfo.mounted_under(root):
            # What is mounted there is somebody's data.
            log.warning("%s stays: something is still mounted below it", root)
        else:
            shutil.rmtree(root, ignore_errors=True)
        self.machines.give_back(self.slot)


def _rank(slot: Slot) -> tuple[bool, int]:
    return slot.gpus == "none", slot.number


def _forget_old_logs(folder: Path) -> None:
    """The logs of machines that are no more, the newest apart: each machine has one of its own."""
    found = sorted(folder.glob("runner-*.log"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[_KEPT_LOGS:]:
        path.unlink(missing_ok=True)
