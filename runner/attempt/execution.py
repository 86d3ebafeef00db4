"""What an attempt does between its volumes and its outcome: output folders, preparation, processes."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from runner.attempt import metrics_files
from runner.attempt.peers import Peers, Scene
from runner.attempt.record import AttemptRecord
from runner.attempt.resources import ResourceSampler
from runner.isolation import job_folders
from runner.isolation.node_config import NodeConfig
from runner.logs.routing import Logs
from runner.machine.trusted_path import TrustedPath
from runner.processes import job_process
from runner.processes.job_process import JobProcess
from runner.processes.process_tracker import ProcessTracker
from runner.processes.step_host import StepHost
from runner.processes.stop_signal import StoppedEarlyError, StopReason, StopSignal
from shared.documents.spec import JobSpec
from shared.environment.variables import Placement, job_environment, output_directories
from shared.fail_points import reach
from shared.jobs.events import EventKind
from shared.jobs.model import Outcome, Reason
from shared.jobs.transitions import TERMINATED
from shared.launch.plan import LaunchPlan, ProcessPlan, preparation_log_name
from shared.launch.planning import plan
from shared.telemetry.names import SpanName
from shared.telemetry.tracing import stage

log = logging.getLogger(__name__)


@dataclass
class Execution:
    """The processes of one attempt on this node. Every process is dead when a method returns an outcome;
    what they have left behind is for the process tracker."""

    config: NodeConfig
    spec: JobSpec
    placement: Placement
    step_host: StepHost
    logs: Logs
    record: AttemptRecord
    stop: StopSignal
    tracker: ProcessTracker
    peers: Peers
    sampler: ResourceSampler
    trusted_path: Callable[[str], TrustedPath]  #: of an absolute path of this node
    notice: Callable[[], str]  #: what the job learns when its machine is taken away, JSON
    monotonic: Callable[[], float] = time.monotonic
    processes: list[JobProcess] = field(default_factory=list)  #: everything that was started
    _deadline: float = 0.0

    def run(self) -> Outcome | None:
        """Run preparation and processes to the end. None when the runner itself stops (drain, eviction, lost
        lease).

        Raises BatchAIError, OSError.
        """
        if self._too_late():
            return None
        for identifier, folder in output_directories(self.spec, self.placement).items():
            job_folders.make_output(self.trusted_path(folder), self.config.isolation.user)
            self.record.say(f"output directory {identifier}: {folder}")
        try:
            self.step_host.open()
        except StoppedEarlyError:
            return self._stopped([])
        if self.spec.container_settings:
            self.record.happened(EventKind.CONTAINER_STARTED)
        steps, env = self._plan()
        limit = self.spec.constraints.max_wall_clock_time.total_seconds()
        self._deadline = self.monotonic() + (limit if self.peers.leads else math.inf)
        with self.peers.connected(self._scene(env)) as connected, self._sampled():
            if steps.preparation is not None:
                with stage(SpanName.PREPARATION):
                    early = self._prepare(steps.preparation, connected)
                if early is None or not early.succeeded:
                    return early
            self.peers.prepared()
            while not self.peers.may_launch():
                if self._is_over(0.05):
                    return self._stopped([])
            with stage(SpanName.PROCESSES):
                return self._launch(steps, connected)

    @contextmanager
    def _sampled(self) -> Iterator[None]:
        """What the processes use is sampled from the first one's start (`_prepare`, `_launch`) on."""
        try:
            yield
        finally:
            self.sampler.end()

    def _plan(self) -> tuple[LaunchPlan, Mapping[str, str]]:
        """The commands of all nodes, and the variables that the job adds to those of its step host."""
        base = self.step_host.base
        steps = plan(self.spec, self.placement, python=self.step_host.python, base=base)
        for note in steps.notes:
            self.record.say(note)
        env = job_environment(self.spec, self.placement, base=base)
        for path, content in steps.files.items():
            job_folders.put(self.placement.layout, path, content)
        metrics_files.make(steps.processes, self.placement, self.config.isolation.user, self.logs)
        return steps, env

    def _scene(self, env: Mapping[str, str]) -> Scene:
        return Scene(
            self.placement,
            self.step_host,
            self.tracker,
            env,
            self.record.say,
            self.record.node_faults.append,
        )

    def _is_over(self, seconds: float, processes: Sequence[JobProcess] = ()) -> bool:
        """Whether a stop is asked for within `seconds`, or the time is up. Returns when one of the processes
        ends."""
        if self._too_late():
            return True
        if self.monotonic() > self._deadline:
            self.stop.set(StopReason.WALL_CLOCK)
        with job_process.ends_of(processes) as ends:
            return self.stop.wait(seconds, ends)

    def _prepare(self, command: str, env: Mapping[str, str]) -> Outcome | None:
        out, err = (
            self.logs.add(preparation_log_name(stream, self.placement)) for stream in ("stdout", "stderr")
        )
        self.record.say("job preparation starts")
        self.record.happened(EventKind.PREPARATION_STARTED)
        self.sampler.begin()
        prepared = [self.step_host.start("jobPreparation", command, env, out, err)]
        early = self._wait(prepared, prepared, Reason.PREPARATION_FAILED, lambda: True)
        if early is not None and early.succeeded:
            self.record.happened(EventKind.PREPARED)
        return early

    def _launch(self, steps: LaunchPlan, env: Mapping[str, str]) -> Outcome | None:
        started: list[tuple[ProcessPlan, JobProcess]] = []
        self.peers.launching()
        self.sampler.begin()
        for step in (step for step in steps.processes if step.node == self.placement.index):
            if self._too_late():
                return self._stopped([child for _, child in started])
            out, err = (self.logs.add(step.log_name(stream)) for stream in ("stdout", "stderr"))
            self.record.say(f"{step.role} starts: {step.command}")
            child = self.step_host.start(step.name, step.command, {**env, **step.environment}, out, err)
            self.processes.append(child)
            started.append((step, child))
        self.record.happened(EventKind.STARTED)
        reach("started")
        begun = self.monotonic()
        essential = [child for step, child in started if step.essential]
        children = [child for _, child in started]
        outcome = self._wait(children, essential, Reason.JOB_FAILED, self.peers.done)
        self.record.gpu_seconds = self.placement.this.gpus * (self.monotonic() - begun)
        self.record.happened(EventKind.STOPPED, with_code(outcome).removeprefix(", ") if outcome else "")
        return outcome

    def _wait(
        self,
        processes: list[JobProcess],
        essential: list[JobProcess],
        failure: Reason,
        done: Callable[[], bool],
    ) -> Outcome | None:
        """The outcome once the essential processes have ended well and it is `done` elsewhere too, or one of
        them has ended badly, or a stop was asked for. Everything is dead on return."""
        self.processes.extend(p for p in processes if p not in self.processes)
        pause = 0.01
        while True:
            codes = [p.exit_code for p in essential]
            if self._too_late():
                # They were killed, however it looks.
                return self._stopped(processes)
            bad = next((code for code in codes if code), None)
            if bad is not None:
                outcome = Outcome(failure, bad, _FAILURE_TEXTS[failure])
                self.peers.over(outcome)
                job_process.stop(processes, self.config.grace_seconds)
                return outcome
            if None not in codes and done():
                job_process.stop([p for p in processes if p not in essential], self.config.grace_seconds)
                return Outcome(Reason.SUCCEEDED, 0)
            if self._is_over(pause, essential):
                return self._stopped(processes)
            pause = min(0.1, pause * 1.3)

    def _too_late(self) -> bool:
        """Whether this runner was stalled for as long as its lease: then somebody else has the job."""
        if self.tracker.fired:
            self.stop.set(StopReason.LOST)
        return self.stop.reason is StopReason.LOST

    def _stopped(self, processes: list[JobProcess]) -> Outcome | None:
        reason = self.stop.reason
        if reason is StopReason.EVICTED:
            self._give_notice()
        outcome = self._outcome_of_stop()
        self.peers.over(outcome)
        job_process.stop(
            processes, self.stop.grace_seconds(self.config.grace_seconds, self.config.drain_seconds)
        )
        return None if self.stop.for_runner else outcome

    def _outcome_of_stop(self) -> Outcome | None:
        reason = self.stop.reason
        if reason is None or reason.for_runner:
            return None
        if reason is StopReason.WALL_CLOCK:
            limit = self.spec.constraints.max_wall_clock_time
            return Outcome(Reason.WALL_CLOCK, message=f"The job ran longer than maxWallClockTime ({limit})")
        if reason is StopReason.IDLE_GPUS:
            text = "idleGpus of the cluster ended the job: no GPU of the job did anything for that long"
            return Outcome(Reason.GPUS_IDLE, message=text)
        return TERMINATED if reason is StopReason.TERMINATED else self.peers.verdict

    def _give_notice(self) -> None:
        try:
            layout = self.placement.layout
            job_folders.put(layout, layout.preemption_notice, self.notice())
        except OSError as error:
            log.warning("no notice: %s", error, extra={"action": "notice", "job": str(self.placement.job)})


_FAILURE_TEXTS = {
    Reason.JOB_FAILED: "Job failed with non-zero exit code",
    Reason.PREPARATION_FAILED: "Job preparation task failed with non-zero exit code",
}


def with_code(outcome: Outcome) -> str:
    """ ", exit code 3", or nothing where there is none."""
    return "" if outcome.exit_code is None else f", exit code {outcome.exit_code}"
