"""One attempt of one job on this node, from folders to outcome."""

import logging
import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from runner import cage as cages
from runner import folders, log_places, process
from runner.cage import Cage
from runner.config import RunnerConfig, job_base_environment
from runner.launch import plan
from runner.launch.plan import LaunchPlan, ProcessPlan, execution_log_name, preparation_log_name
from runner.log_places import Logs
from runner.logs import ExecutionLog
from runner.mounts import mount_all
from runner.mounts.types import MountContext, Volume
from runner.process import JobProcess
from runner.stopping import StopReason, StopSignal
from runner.volumes import FindServer, volumes_of
from shared.attempts import Claim, utc_now
from shared.environment import Node, Placement, job_environment, log_directory, output_directories
from shared.errors import BatchAIError, LaunchError, MountError
from shared.events import EventKind, JobEvent
from shared.fail_points import reach
from shared.layout import NodeLayout
from shared.settings import Settings
from shared.state import NOTHING_TOLD, TERMINATED, AttemptReport, Outcome, Reason, StreamSeal
from shared.status import timestamp
from shared.stores.connection import CallCounter

log = logging.getLogger(__name__)

#: A job's last lines get this long to reach the share before they are called incomplete.
_DRAIN_SECONDS = 60.0
#: When the machine goes there is no time for that.
_HURRIED_DRAIN_SECONDS = 2.0


@dataclass(frozen=True)
class Result:
    """What an attempt came to. `node_fault` says why the node should take no other job, or ""."""

    outcome: Outcome | None  #: None when the attempt was stopped for the runner's sake (lost, drained)
    report: AttemptReport = NOTHING_TOLD
    stopped: StopReason | None = None
    node_fault: str = ""


@dataclass
class JobRunner:
    """Runs one claimed job. `run` returns when nothing of the job is left on the node."""

    config: RunnerConfig
    settings: Settings
    claim: Claim
    node: Node
    cluster_volumes: tuple[Volume, ...]
    find_server: FindServer
    stop: StopSignal
    counter: CallCounter | None = None
    cage: Cage = field(default_factory=Cage)
    monotonic: Callable[[], float] = time.monotonic
    _processes: list[JobProcess] = field(default_factory=list)
    notice: str = ""  #: what the job is told when its machine is taken away, JSON
    _undo_faults: list[str] = field(default_factory=list)
    _events: list[JobEvent] = field(default_factory=list)
    _logs: Logs | None = None
    _gpu_seconds: float = 0.0

    def run(self) -> Result:
        """The attempt, whole. Raises nothing: every fault becomes an outcome."""
        job, spec = self.claim.job, self.claim.spec
        layout = NodeLayout(str(self.config.root), job.id)
        placement = Placement(
            self.settings.scope, job.id, job.cluster, job.uuid, job.attempt, layout, (self.node,)
        )
        try:
            folders.make(layout)
            volumes = volumes_of(spec.mount_volumes, self.settings, self.find_server)
            where = log_directory(spec, placement)
            roots = {layout.job_mount_root: volumes, layout.mount_root: self.cluster_volumes}
            logs = log_places.open_logs(where, roots, self._spool(), job.attempt, self.counter)
        except MountError as error:
            return Result(_mount_outcome(error))
        except LaunchError as error:
            return Result(Outcome(Reason.START_FAILED, message=str(error)))
        except (BatchAIError, OSError) as error:
            return Result(Outcome(Reason.RUNNER_FAULT, message=str(error)), node_fault=str(error))
        try:
            return self._run_logged(placement, volumes, logs)
        finally:
            cages.close(self.cage)

    def _run_logged(self, placement: Placement, volumes: tuple[Volume, ...], logs: Logs) -> Result:
        secrets = self._secrets(volumes)
        diary = ExecutionLog(
            logs.add(execution_log_name(placement)),
            lambda: timestamp(utc_now()),
            lambda text: _redact(text, secrets),
        )
        logs.start()
        self._logs = logs
        diary.say(f"attempt {self.claim.job.attempt} of job {self.claim.job.id} on node {self.node.node_id}")
        outcome = self._guarded(placement, volumes, logs, diary)
        reach("unmounted")
        stopped = self.stop.reason if outcome is None else None
        if outcome:
            outcome = replace(outcome, message=_redact(outcome.message, secrets))
            outcome = self._blamed(outcome)
            diary.say(f"ended: {outcome.reason}" + _with_code(outcome) + _with_text(outcome))
        elif stopped:
            diary.say(f"stopped: {stopped.value}")
        seals = logs.finish(self._drain_seconds())
        self._happened(EventKind.UPLOADED)
        reach("sealed")
        self._clear_up(placement.layout)
        report = AttemptReport(seals, tuple(self._events), self._gpu_seconds)
        return Result(outcome, report, stopped, "; ".join(self._undo_faults))

    def _blamed(self, outcome: Outcome) -> Outcome:
        """The outcome of a failure on a full disk says so; where no program of the user's had a say, it is
        the node's fault."""
        if outcome.succeeded or not folders.is_full(self.config.root):
            return outcome
        message = f"{outcome.message}; the node's disk is full"
        if outcome.exit_code is None and outcome.reason not in (Reason.TERMINATED, Reason.WALL_CLOCK):
            self._undo_faults.append("the node's disk is full")
            return Outcome(Reason.RUNNER_FAULT, message=message)
        return replace(outcome, message=message)

    def log_progress(self) -> tuple[StreamSeal, ...]:
        """How much of the logs has arrived where people read them. From any thread."""
        return self._logs.progress() if self._logs else ()

    def _happened(self, kind: EventKind, detail: str = "") -> None:
        self._events.append(JobEvent(utc_now(), kind, self.claim.job.attempt, self.node.node_id, detail))

    def _guarded(
        self, placement: Placement, volumes: tuple[Volume, ...], logs: Logs, diary: ExecutionLog
    ) -> Outcome | None:
        """`_mounted`, with every fault as an outcome and no process left."""
        outcome: Outcome | None = None
        try:
            context = self._mount_context(diary)
            with ExitStack() as stack:
                stack.enter_context(mount_all(volumes, Path(placement.layout.job_mount_root), context))
                stack.enter_context(log_places.while_mounted(logs, self._drain_seconds))
                self._happened(EventKind.MOUNTED)
                reach("mounted")
                stack.callback(self._kill_left, diary)
                outcome = self._mounted(placement, logs, diary)
                reach("stopped")
        except MountError as error:
            # After the job has ended this is an undo that failed: the job's own result stands.
            outcome = outcome or (None if self._stopped_for_runner() else _mount_outcome(error))
        except LaunchError as error:
            outcome = Outcome(Reason.START_FAILED, message=str(error))
        except (BatchAIError, OSError) as error:
            log.exception("attempt failed", extra={"action": "run", "job": str(self.claim.job.id)})
            outcome = Outcome(Reason.RUNNER_FAULT, message=f"{type(error).__name__}: {error}")
        return outcome

    def _mounted(self, placement: Placement, logs: Logs, diary: ExecutionLog) -> Outcome | None:
        spec, layout = self.claim.spec, placement.layout
        if self._too_late():
            return None
        base = job_base_environment(self.config, os.environ)
        python = self._python(base, diary)
        steps = plan(spec, placement, python=python, base=base)
        for note in steps.notes:
            diary.say(note)
        env = base | job_environment(spec, placement, base=base)
        for identifier, folder in output_directories(spec, placement).items():
            folders.make_output(folder)
            diary.say(f"output directory {identifier}: {folder}")
        for path, content in steps.files.items():
            Path(path).write_text(content)
        deadline = self.monotonic() + spec.constraints.max_wall_clock_time.total_seconds()
        cwd = Path(layout.working_directory)
        if steps.preparation is not None:
            out, err = (logs.add(preparation_log_name(s, placement)) for s in ("stdout", "stderr"))
            diary.say("job preparation starts")
            prepared = [process.start("jobPreparation", steps.preparation, env, cwd, out, err, self.cage)]
            early = self._wait(prepared, prepared, deadline, Reason.PREPARATION_FAILED)
            if early is None or not early.succeeded:
                return early
            self._happened(EventKind.PREPARED)
        return self._launch(steps, env, cwd, logs, diary, deadline)

    def _launch(
        self,
        steps: LaunchPlan,
        env: dict[str, str],
        cwd: Path,
        logs: Logs,
        diary: ExecutionLog,
        deadline: float,
    ) -> Outcome | None:
        started: list[tuple[ProcessPlan, JobProcess]] = []
        for step in steps.processes:
            if self._too_late():
                return self._stopped([child for _, child in started])
            out, err = (logs.add(step.log_name(stream)) for stream in ("stdout", "stderr"))
            diary.say(f"{step.role} starts: {step.command}")
            own = env | dict(step.environment)
            child = process.start(step.name, step.command, own, cwd, out, err, self.cage)
            self._processes.append(child)
            started.append((step, child))
        self._happened(EventKind.STARTED)
        reach("started")
        begun = self.monotonic()
        essential = [child for step, child in started if step.essential]
        outcome = self._wait([child for _, child in started], essential, deadline, Reason.JOB_FAILED)
        self._gpu_seconds = self.node.gpus * (self.monotonic() - begun)
        self._happened(EventKind.STOPPED, _with_code(outcome).removeprefix(", ") if outcome else "")
        return outcome

    def _wait(
        self, processes: list[JobProcess], essential: list[JobProcess], deadline: float, failure: Reason
    ) -> Outcome | None:
        """The outcome once the essential processes have ended, or one of them badly, or a stop was asked for.
        Everything is dead on return."""
        self._processes.extend(p for p in processes if p not in self._processes)
        pause = 0.01
        while True:
            codes = [p.exit_code for p in essential]
            if self._too_late():
                # They were killed, however it looks.
                return self._stopped(processes)
            bad = next((code for code in codes if code), None)
            if bad is not None:
                process.stop(processes, self.config.grace_seconds)
                return Outcome(failure, bad, _FAILURE_TEXTS[failure])
            if None not in codes:
                process.stop([p for p in processes if p not in essential], self.config.grace_seconds)
                return Outcome(Reason.SUCCEEDED, 0)
            if self.monotonic() > deadline:
                self.stop.set(StopReason.WALL_CLOCK)
            if self.stop.wait(pause):
                return self._stopped(processes)
            pause = min(0.1, pause * 1.3)

    def _too_late(self) -> bool:
        """Whether this runner was stalled for as long as its lease: then somebody else has the job."""
        if self.cage.fired:
            self.stop.set(StopReason.LOST)
        return self.stop.reason is StopReason.LOST

    def _stopped(self, processes: list[JobProcess]) -> Outcome | None:
        reason = self.stop.reason
        if reason is StopReason.EVICTED:
            self._give_notice()
        process.stop(processes, self._grace_seconds())
        if self._stopped_for_runner():
            return None
        if reason is StopReason.WALL_CLOCK:
            limit = self.claim.spec.constraints.max_wall_clock_time
            return Outcome(Reason.WALL_CLOCK, message=f"The job ran longer than maxWallClockTime ({limit})")
        return TERMINATED

    def _give_notice(self) -> None:
        layout = NodeLayout(str(self.config.root), self.claim.job.id)
        try:
            Path(layout.preemption_notice).write_text(self.notice)
        except OSError as error:
            log.warning("no notice: %s", error, extra={"action": "notice", "job": str(self.claim.job.id)})

    def _grace_seconds(self) -> float:
        reason = self.stop.reason
        if reason is StopReason.LOST:
            return 0.0  # another runner may start at any moment
        hurried = reason is not None and reason.hands_back
        return min(self.config.grace_seconds, self.config.drain_seconds if hurried else 86400.0)

    def _drain_seconds(self) -> float:
        reason = self.stop.reason
        if reason is StopReason.LOST:
            return 0.0  # with the lease the files went to another runner
        return _HURRIED_DRAIN_SECONDS if reason is not None and reason.hands_back else _DRAIN_SECONDS

    def _stopped_for_runner(self) -> bool:
        reason = self.stop.reason
        return reason is not None and (reason.hands_back or reason is StopReason.LOST)

    def _kill_left(self, diary: ExecutionLog) -> None:
        if found := process.kill_left(self._processes) + self.cage.kill():
            diary.say(f"{found} processes were left behind and were killed")
        if left := self.cage.inmates():
            fault = f"cannot be killed: {cages.describe(left)}"
            diary.say(fault)
            self._undo_faults.append(fault)

    def _python(self, base: dict[str, str], diary: ExecutionLog) -> str:
        if self.config.python:
            return self.config.python
        if not shutil.which("python", path=base["PATH"]) and shutil.which("python3", path=base["PATH"]):
            diary.say("this machine has no 'python'; 'python3' is used")
            return "python3"
        return "python"

    def _mount_context(self, diary: ExecutionLog) -> MountContext:
        return log_places.mount_context(
            self.config, diary.say, lambda error: self._undo_faults.append(str(error))
        )

    def _spool(self) -> Path:
        spool = self.config.work / "spool" / f"{self.claim.job.uuid}-{self.claim.job.attempt}"
        shutil.rmtree(spool, ignore_errors=True)
        spool.mkdir(parents=True, mode=0o700)
        return spool

    def _clear_up(self, layout: NodeLayout) -> None:
        try:
            # The job's temp stays until the next job starts, as the original's did: logs may lie there.
            folders.refuse_mounts(Path(layout.job_temp_root))
            shutil.rmtree(self.config.work / "spool", ignore_errors=True)
        except (folders.FolderError, OSError) as error:
            self._undo_faults.append(str(error))

    def _secrets(self, volumes: tuple[Volume, ...]) -> tuple[str, ...]:
        spec = self.claim.spec
        values = [secret.value.get_secret_value() for secret in spec.secrets if secret.value]
        keys = [value for volume in (*volumes, *self.cluster_volumes) for value in volume.secrets]
        return tuple(sorted({v for v in (*values, *keys) if v}, key=len, reverse=True))


_FAILURE_TEXTS = {
    Reason.JOB_FAILED: "Job failed with non-zero exit code",
    Reason.PREPARATION_FAILED: "Job preparation task failed with non-zero exit code",
}


def _mount_outcome(error: MountError) -> Outcome:
    return Outcome(Reason(error.code), message=str(error))


def _redact(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _with_code(outcome: Outcome) -> str:
    return "" if outcome.exit_code is None else f", exit code {outcome.exit_code}"


def _with_text(outcome: Outcome) -> str:
    return f": {outcome.message}" if outcome.message else ""
