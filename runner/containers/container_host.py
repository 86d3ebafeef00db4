"""The step host of a job with containerSettings: one container, in which preparation and job run alike."""

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner.containers import container_process, images
from runner.containers.container import EXITS, JOB_LABEL, ROOT_LABEL, Container, sweep
from runner.containers.container_process import ContainerStep
from runner.containers.docker import Answer, Docker
from runner.containers.errors import ContainerError, ContainerLostError
from runner.containers.options import Options, bind, folders_for, premounted_folders
from runner.isolation.metadata_firewall import MetadataError
from runner.isolation.node_config import NodeConfig
from runner.machine import cgroups
from runner.machine.cgroups import Cgroup
from runner.machine.scheduled_events import is_azure_machine
from runner.mounts.types import Volume
from runner.processes.process_tracker import ProcessTracker
from runner.processes.stop_signal import StopSignal
from shared.documents.spec import JobSpec
from shared.environment.variables import Placement, log_directory, output_directories
from shared.errors import LaunchError
from shared.telemetry.names import SpanName
from shared.telemetry.tracing import stage

log = logging.getLogger(__name__)

_ASK_SECONDS = 30.0
#: How long is tried to remove a container; less where the runner is in a hurry. The next start sweeps.
_REMOVE_SECONDS = 10.0
#: What docker itself gives to a process whose image sets none.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class ContainerStepHost:
    """`open` it before use and `close` it before the volumes go, whatever happened. See StepHost."""

    config: NodeConfig
    spec: JobSpec
    placement: Placement
    tracker: ProcessTracker
    volumes: Mapping[str, Iterable[Volume]]  #: mount root -> what is mounted there
    say: Callable[[str], None]  #: a line for the execution log
    stop: StopSignal
    gpus: tuple[str, ...] = ()  #: devices of this job
    image_ready: Callable[[str], None] = lambda image: None
    _container: Container | None = None
    _base: dict[str, str] = field(default_factory=dict)
    _steps: list[ContainerStep] = field(default_factory=list)

    def open(self) -> None:
        """Image and container, ready for processes.

        Raises ContainerError, StoppedEarlyError when the job is stopped meanwhile, FolderError.
        """
        docker = Docker(self.config.docker)
        settings = self.spec.container_settings
        if settings is None:
            raise LaunchError("the job has no containerSettings")
        image = images.image_of(settings)
        self._must_answer(docker, image.name)
        with stage(SpanName.IMAGE, image=image.name):
            images.obtain(docker, image, self.say, self.config.image_pull_seconds, self._stopped)
        self.image_ready(image.name)
        self.tracker.open()
        exits = self.config.work / "containers" / self.placement.uuid
        options = self._options(settings.shm_size or "", exits)
        self._container = Container(docker, options, image.name, exits)
        first = self._container.start(self._stopped)
        self.say(f"container {self._container.name} of {image.name} started (process {first.pid})")
        self._close_metadata(first.pid)
        self._base = self._image_environment(docker, image.name)

    def _close_metadata(self, pid: int) -> None:
        """Behind a bridge it is closed already. On the node's network, where the container's root cannot be
        distinguished from the node's, the cgroup of its processes distinguishes them. Raises MetadataError on
        Azure's machines."""
        firewall = self.config.isolation.firewall
        if firewall is None or self.config.container_network != "host":
            return
        try:
            group = cgroups.group_of(pid)
            if group is None:
                raise MetadataError("the container is in no cgroup v2 of its own")
            firewall.close_to(group)
        except MetadataError as error:
            mend = "set BATCHAI_CONTAINER_NETWORK=bridge, or BATCHAI_JOB_METADATA=open"
            if is_azure_machine():
                raise MetadataError(
                    f"the metadata endpoint is open to containers: {error}; {mend}"
                ) from error
            self.say(f"the metadata endpoint is open to the container: {error}")

    def close(self) -> tuple[str, ...]:
        """Kill and remove the container; what of it cannot be killed, which makes the node unusable."""
        container, self._container = self._container, None
        if container is None:
            return ()
        dead = container.kill()
        if not all(step.end_client() for step in self._steps):
            self.say("docker did not deliver everything that the job has printed")
        fault = container.remove(0.0 if self.stop.for_runner else _REMOVE_SECONDS)
        if fault:
            fields = {"action": "remove_container", "job": str(self.placement.job)}
            log.warning("container left: %s", fault, extra=fields)
            self.say(f"container {container.name} could not be removed yet: {fault}")
        return () if dead else (f"the container {container.name} cannot be killed",)

    @property
    def cgroup(self) -> Cgroup | None:
        pid = self.first_pid
        folder = cgroups.group_of(pid) if pid else None
        return Cgroup(folder) if folder else None

    @property
    def base(self) -> Mapping[str, str]:
        return self._base

    @property
    def python(self) -> str:
        words = "command -v python || command -v python3 || echo python"
        answer = self._exec("/bin/sh", "-c", words)
        found = (
            Path(answer.out.strip().splitlines()[-1]).name if answer.ok and answer.out.strip() else "python"
        )
        if found == "python3":
            self.say("the image has no 'python'; 'python3' is used")
        return found

    @property
    def name(self) -> str:
        """Of the container, "" where there is none."""
        return self._container.name if self._container else ""

    @property
    def first_pid(self) -> int | None:
        """Of the container's first process, as the node sees it."""
        first = self._container.first if self._container else None
        return first.pid if first else None

    def start(
        self, name: str, command: str, environment: Mapping[str, str], stdout: Path, stderr: Path
    ) -> ContainerStep:
        """See StepHost."""
        container = self._container
        if container is None:
            raise LaunchError("the container is not running")
        self.tracker.open()
        if self.tracker.fired:
            raise LaunchError("the lease ran out before the process could be started")
        started = container_process.start(
            container,
            name,
            command,
            {"PYTHONUNBUFFERED": "1", **environment},
            self.placement.layout.working_directory,
            stdout,
            stderr,
            self.tracker,
        )
        self._steps.append(started)
        return started

    def _stopped(self) -> bool:
        return self.stop.reason is not None

    def _must_answer(self, docker: Docker, image: str) -> None:
        """Raises ContainerError where no docker answers on this node."""
        if docker.program is None:
            mend = "install docker or podman on it, or set BATCHAI_DOCKER"
            raise ContainerError(image, f"this node has no '{docker.command}' to run containers with: {mend}")
        # What a daemon that was late has started after all is removed by the way.
        if fault := sweep(docker, self.config.root, log.info):
            raise ContainerError(image, f"docker does not answer on this node: {fault}", transient=True)

    def _options(self, shm_size: str, exits: Path) -> Options:
        job, layout = self.placement.job, self.placement.layout
        words = re.sub(r"[^a-zA-Z0-9]", "-", self.placement.this.node_id)[:40]
        shares = premounted_folders(self.volumes, self.config.premounted)
        outputs = output_directories(self.spec, self.placement).values()
        logs = [path for path in (log_directory(self.spec, self.placement),) if Path(path).is_dir()]
        paths = folders_for(layout.job_temp, layout.mount_root, *shares, *outputs, *logs)
        return Options(
            name=f"batchai-{self.placement.uuid}-{self.placement.attempt}-{words}",
            labels={ROOT_LABEL: str(self.config.root), JOB_LABEL: str(job)},
            marks=dict([self.tracker.mark]),
            binds=[*bind(str(exits), EXITS), *(word for path in paths for word in bind(path))],
            network=self.config.container_network,
            shm_size=shm_size,
            gpus=self.gpus,
            memory_bytes=self.config.limits.memory or 0,
            processes=self.config.limits.processes or 0,
            more=self.config.container_options,
        )

    def _image_environment(self, docker: Docker, image: str) -> dict[str, str]:
        words = ("image", "inspect", "--format", "{{json .Config.Env}}", image)
        answer = docker.ask(*words, seconds=_ASK_SECONDS)
        if not answer.ok:
            raise ContainerError(image, f"unable to read what is in {image}: {answer.words}", transient=True)
        pairs: list[str] = json.loads(answer.out) or []
        own = dict(pair.partition("=")[::2] for pair in pairs)
        return {"PATH": _PATH, "HOME": "/root"} | own

    def _exec(self, *words: str) -> Answer:
        if self._container is None:
            raise ContainerLostError("the container is not running")
        return self._container.docker.ask("exec", self._container.name, *words, seconds=_ASK_SECONDS)
