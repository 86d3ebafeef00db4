"""Where the processes of an attempt start: on the node itself, or in the job's container."""

import functools
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runner.config import job_base_environment
from runner.isolation import job_folders, slots
from runner.isolation.confinement import Confinement
from runner.isolation.job_user import JobUser
from runner.isolation.metadata_firewall import MetadataError
from runner.isolation.node_config import NodeConfig
from runner.machine.cgroups import Cgroup
from runner.machine.gpu_share import NO_GPUS, GpuShare
from runner.processes import job_process
from runner.processes.job_process import JobProcess
from runner.processes.process_tracker import ProcessTracker
from shared.environment.layout import NodeLayout
from shared.errors import LaunchError

#: Programs make Unix sockets in TMPDIR, whose paths have 107 bytes at most.
_LONGEST_TEMP = 60


class StepHost(Protocol):
    """Opened when the volumes are mounted, closed before they are unmounted; every process of the attempt,
    jobPreparation included, starts here."""

    def open(self) -> None:
        """Make it ready for processes; before anything else is asked of it.

        Raises BatchAIError, of which ContainerError is the user's to read and StoppedEarlyError no fault.
        """

    def close(self) -> tuple[str, ...]:
        """Nothing runs here any more; whatever became of `open`. Faults that make the node unusable."""

    @property
    def base(self) -> Mapping[str, str]:
        """Variables that the machine or the image sets already."""

    @property
    def python(self) -> str:
        """The interpreter where the document names none."""

    @property
    def cgroup(self) -> Cgroup | None:
        """What holds the processes, once one was started; None where the machine has no cgroup v2."""

    def start(
        self, name: str, command: str, environment: Mapping[str, str], stdout: Path, stderr: Path
    ) -> JobProcess:
        """Start shell text in the job's working directory; `environment` is what the job adds to `base`.

        The process is inside the attempt's process tracker. Raises LaunchError when it cannot be started.
        """


@dataclass(frozen=True)
class NodeStepHost:
    """The node itself."""

    config: NodeConfig
    layout: NodeLayout
    tracker: ProcessTracker
    say: Callable[[str], None]  #: a line for the execution log
    share: GpuShare = NO_GPUS

    @property
    def user(self) -> JobUser:
        """Whose the processes are."""
        return self.config.isolation.user

    def open(self) -> None:
        """What is limited by user needs nothing more; for the runner's own, the job's cgroup says who is a
        job's."""
        if (firewall := self.config.isolation.firewall) and self.user.is_own:
            self.tracker.open()
            try:
                if self.tracker.cgroup is None:
                    raise MetadataError("this machine has no cgroup v2 by which jobs are known")
                firewall.close_to(self.tracker.cgroup.path)
            except MetadataError as error:
                self.say(f"the metadata endpoint is open to this job, which is {self.user.name}'s: {error}")

    def close(self) -> tuple[str, ...]:
        """Its processes are the process tracker's to end."""
        return ()

    @property
    def cgroup(self) -> Cgroup | None:
        return self.tracker.cgroup

    @functools.cached_property
    def base(self) -> Mapping[str, str]:
        base = job_base_environment(self.config, os.environ)
        if self.config.isolation.private_temp:
            base["TMPDIR"] = "/tmp"
        elif len(self.layout.temp) <= _LONGEST_TEMP:
            base["TMPDIR"] = self.layout.temp
        base |= self.share.visible({})
        return base if self.user.is_own else {**base, **self.user.environment}

    @property
    def python(self) -> str:
        if self.config.python:
            return self.config.python
        path = self.base["PATH"]
        if not shutil.which("python", path=path) and shutil.which("python3", path=path):
            self.say("this machine has no 'python'; 'python3' is used")
            return "python3"
        return "python"

    def start(
        self, name: str, command: str, environment: Mapping[str, str], stdout: Path, stderr: Path
    ) -> JobProcess:
        """See StepHost."""
        env = {**self.base, **environment, **self.share.visible(environment)}
        folder = Path(self.layout.working_directory)
        try:
            confinement = self._confinement()
        except OSError as error:
            raise LaunchError(f"could not start {name or 'the job'}: no IPC namespace: {error}") from error
        return job_process.start(name, command, env, folder, stdout, stderr, self.tracker, confinement)

    def _confinement(self) -> Confinement:
        isolation = self.config.isolation
        covers = job_folders.covers(self.layout, isolation)
        hidden = slots.other_roots(isolation.slot) if covers and isolation.slot is not None else ()
        return Confinement(isolation.user, isolation.limits, covers, hidden, self.tracker.space)
