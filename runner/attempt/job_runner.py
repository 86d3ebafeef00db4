"""One attempt of one job on this node, from folders to outcome."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from runner.attempt import clean_node
from runner.attempt.execution import Execution, with_code
from runner.attempt.peers import Alone, Peers, Work
from runner.attempt.result import Result
from runner.config import RunnerConfig
from runner.containers.container_host import ContainerStepHost
from runner.containers.errors import ContainerError
from runner.isolation import job_folders
from runner.logs import routing
from runner.logs.routing import Logs
from runner.logs.shipper import ExecutionLog
from runner.machine import tree_removal
from runner.machine.gpu_share import NO_GPUS, GpuShare
from runner.mounts.from_document import FindServer, trusted_path_of, volumes_of
from runner.mounts.mount import mount_all
from runner.mounts.types import MountContext, Volume
from runner.processes import job_process
from runner.processes import process_tracker as cages
from runner.processes.process_tracker import ProcessTracker
from runner.processes.step_host import NodeStepHost, StepHost
from runner.processes.stop_signal import StopReason, StopSignal
from runner.secrets.key_vault import opened
from runner.secrets.redaction import KnownSecrets
from shared.documents.secret_references import secret_values
from shared.documents.spec import JobSpec
from shared.environment.layout import NodeLayout
from shared.environment.variables import Node, Placement, log_directory
from shared.errors import LaunchError, MountError, SecretError, StoreError
from shared.fail_points import reach
from shared.jobs.events import EventKind, JobEvent
from shared.jobs.model import AttemptReport, Outcome, Reason, StreamSeal
from shared.jobs.status_json import timestamp
from shared.jobs.timeline import in_words, timeline
from shared.launch.plan import execution_log_name
from shared.managers.clock import utc_now
from shared.settings import Settings
from shared.stores.connection import CallCounter
from shared.stores.secrets.key_vaults import Vaults

log = logging.getLogger(__name__)


@dataclass
class JobRunner:
    """Runs one claimed job. `run` returns when nothing of the job is left on the node."""

    config: RunnerConfig
    settings: Settings
    claim: Work
    node: Node
    cluster_volumes: tuple[Volume, ...]
    find_server: FindServer
    stop: StopSignal
    vaults: Vaults = field(default_factory=Vaults)
    known: KnownSecrets = field(default_factory=KnownSecrets)
    counter: CallCounter | None = None
    tracker: ProcessTracker = field(default_factory=ProcessTracker)
    monotonic: Callable[[], float] = time.monotonic
    share: GpuShare = NO_GPUS
    notice: str = ""  #: what the job is told when its machine is taken away, JSON
    peers: Peers | None = None  #: None: the node alone
    #: waits until the cluster's volumes hold what was written there; says what it waits for; what they lack
    settle_cluster: Callable[[Callable[[str], None]], tuple[str, ...]] = lambda say: ()
    spec: JobSpec = field(init=False)  #: what the user asked for, secrets opened
    _undo_faults: list[str] = field(default_factory=list)
    _events: list[JobEvent] = field(default_factory=list)
    _roots: Mapping[str, tuple[Volume, ...]] = field(default_factory=dict)
    _logs: Logs | None = None
    _temps_fault: bool = False
    _gpu_seconds: float = 0.0

    def run(self) -> Result:
        """The attempt, whole. Raises nothing: every fault becomes an outcome, told without secrets."""
        return self._peers.conclude(self._opened())

    @property
    def _peers(self) -> Peers:
        return self.peers or Alone(self.node)

    def _opened(self) -> Result:
        try:
            self.spec = opened(self.claim.spec, self.vaults)
        except SecretError as error:
            return Result(Outcome(Reason.SECRET_UNAVAILABLE, message=str(error)))
        except StoreError as error:
            return Result(Outcome(Reason.RUNNER_FAULT, message=str(error)))
        self.known.know("job", secret_values(self.spec))
        return self._run().redacted(self.known.text)

    def _run(self) -> Result:
        job, spec, peers = self.claim.job, self.spec, self._peers
        layout = NodeLayout(str(self.config.root), job.id)
        placement = Placement(
            self.settings.scope, job.id, job.cluster, job.uuid, job.attempt, layout, peers.nodes, peers.index
        )
        try:
            clean_node.forget(self.config)
            job_folders.make(layout, self.config.isolation)
            spool = self._spool()
        except job_folders.FolderError as error:
            # Nothing of the job has begun: any other node may have it, as its first.
            self.stop.set(StopReason.DRAIN)
            return Result(None, stopped=StopReason.DRAIN, node_fault=str(error), temps_fault=True)
        try:
            volumes = volumes_of(spec.mount_volumes, self.settings, self.find_server)
            where = log_directory(spec, placement)
            self._roots = {layout.job_mount_root: volumes, layout.mount_root: self.cluster_volumes}
            logs = routing.open_logs(
                where,
                self._roots,
                spool,
                job.uuid,
                job.attempt,
                self.counter,
                node_root=self.config.root,
                user=self.config.isolation.user,
                held=lambda: not self.tracker.late,
            )
        except MountError as error:
            return Result(_mount_outcome(error))
        except LaunchError as error:
            return Result(Outcome(Reason.START_FAILED, message=str(error)))
        except Exception as error:
            log.exception("not begun", extra={"action": "run", "job": str(job.id)})
            return Result(Outcome(Reason.RUNNER_FAULT, message=str(error)), node_fault=str(error))
        try:
            return self._run_logged(placement, volumes, logs)
        finally:
            cages.close(self.tracker)

    def _run_logged(self, placement: Placement, volumes: tuple[Volume, ...], logs: Logs) -> Result:
        path = logs.add(execution_log_name(placement))
        diary = ExecutionLog(path, lambda: timestamp(utc_now()), self.known.text)
        logs.start()
        self._logs = logs
        diary.say(f"attempt {self.claim.job.attempt} of job {self.claim.job.id} on node {self.node.node_id}")
        outcome = self._guarded(placement, volumes, logs, diary)
        self._peers.over(outcome)
        reach("unmounted")
        stopped = self.stop.reason if outcome is None else None
        if outcome:
            outcome = self._blamed(outcome)
            diary.say(f"ended: {outcome.reason}" + with_code(outcome) + _with_text(outcome))
        elif stopped:
            diary.say(f"stopped: {stopped.value}")
        diary.say(f"time line: {self._so_far()}")
        seals = logs.finish(self.stop.drain_until)
        self._happened(EventKind.UPLOADED)
        reach("sealed")
        self._clear_up(placement.layout)
        report = AttemptReport(seals, tuple(self._events), self._gpu_seconds)
        return Result(outcome, report, stopped, "; ".join(self._undo_faults), self._temps_fault)

    def _blamed(self, outcome: Outcome) -> Outcome:
        """The outcome of a failure on a full disk, or beyond what a job may use, says so; where no program
        of the user's had a say, it is the node's fault."""
        if outcome.succeeded:
            return outcome
        if words := self.tracker.bounds.exceeded():
            outcome = replace(outcome, message=f"{outcome.message}; {words}")
        if not job_folders.is_full(self.config.root):
            return outcome
        message = f"{outcome.message}; the node's disk is full"
        if outcome.exit_code is None and outcome.reason not in (Reason.TERMINATED, Reason.WALL_CLOCK):
            self._undo_faults.append("the node's disk is full")
            return Outcome(Reason.RUNNER_FAULT, message=message)
        return replace(outcome, message=message)

    def log_progress(self) -> tuple[StreamSeal, ...]:
        """How much of the logs has arrived where people read them. From any thread."""
        return self._logs.progress() if self._logs else ()

    def _so_far(self) -> str:
        """How long each part took, for the log; uploading it is not over when its last line is written."""
        job = self.claim.job
        used = job.gpu_seconds + self._gpu_seconds
        return in_words(timeline(replace(job, events=(*job.events, *self._events), gpu_seconds=used)))

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
                stack.enter_context(routing.while_mounted(logs, self.stop.drain_until))
                stack.callback(self._settle, diary)
                self._happened(EventKind.MOUNTED)
                reach("mounted")
                outcome = self._mounted(placement, volumes, logs, diary, stack)
                reach("stopped")
        except MountError as error:
            # After the job has ended this is an undo that failed: the job's own result stands.
            outcome = outcome or (None if self.stop.for_runner else _mount_outcome(error))
        except ContainerError as error:
            outcome = _container_outcome(error)
        except LaunchError as error:
            outcome = Outcome(Reason.START_FAILED, message=str(error))
        except Exception as error:
            log.exception("attempt failed", extra={"action": "run", "job": str(self.claim.job.id)})
            outcome = Outcome(Reason.RUNNER_FAULT, message=f"{type(error).__name__}: {error}")
        return outcome

    def _mounted(
        self,
        placement: Placement,
        volumes: tuple[Volume, ...],
        logs: Logs,
        diary: ExecutionLog,
        stack: ExitStack,
    ) -> Outcome | None:
        """What happens while the volumes are there. `stack` is left before they are unmounted."""
        step_host = self._step_host(placement, volumes, diary)
        layout = placement.layout
        execution = Execution(
            config=self.config,
            spec=self.spec,
            placement=placement,
            step_host=step_host,
            logs=logs,
            diary=diary,
            stop=self.stop,
            tracker=self.tracker,
            peers=self._peers,
            happened=self._happened,
            trusted_path=lambda path: trusted_path_of(path, layout.root, self._roots),
            notice=lambda: self.notice,
            undo_failed=self._undo_faults.append,
            monotonic=self.monotonic,
        )
        stack.callback(self._kill_left, execution, diary)
        stack.callback(lambda: self._undo_faults.extend(step_host.close()))
        try:
            if outcome := execution.run():
                self.stop.job_is_over()
            return outcome
        finally:
            self._gpu_seconds = execution.gpu_seconds

    def _step_host(self, placement: Placement, volumes: tuple[Volume, ...], diary: ExecutionLog) -> StepHost:
        if self.spec.container_settings is None:
            return NodeStepHost(self.config, placement.layout, self.tracker, diary.say, self.share)
        return ContainerStepHost(
            config=self.config,
            spec=self.spec,
            placement=placement,
            tracker=self.tracker,
            volumes=self._roots,
            say=diary.say,
            stop=self.stop,
            gpus=self.share.device_ids,
        )

    def _kill_left(self, execution: Execution, diary: ExecutionLog) -> None:
        if found := job_process.kill_left(execution.processes) + self.tracker.kill():
            diary.say(f"{found} processes were left behind and were killed")
        if left := self.tracker.members():
            fault = f"cannot be killed: {cages.describe(left)}"
            diary.say(fault)
            self._undo_faults.append(fault)

    def _settle(self, diary: ExecutionLog) -> None:
        """Before the logs are closed, which may lie on a volume themselves: what the job has written to the
        cluster's volumes, which stay, has arrived there; or the job says what has not."""
        if self.stop.reason is StopReason.LOST:
            return  # nobody waits for it, and the next job on this node does
        for fault in self.settle_cluster(diary.say):
            diary.say(fault)
            self._volume_failed(fault)

    def _volume_failed(self, fault: str) -> None:
        self._undo_faults.append(fault)
        self._happened(EventKind.VOLUME_FAULT, fault)

    def _mount_context(self, diary: ExecutionLog) -> MountContext:
        return routing.mount_context(self.config, diary.say, lambda error: self._volume_failed(str(error)))

    def _spool(self) -> Path:
        spool = self.config.work / "spool" / f"{self.claim.job.uuid}-{self.claim.job.attempt}"
        job_folders.make_anew(spool)
        return spool

    def _clear_up(self, layout: NodeLayout) -> None:
        try:
            # The job's temp stays until the next job starts, as the original's did: logs may lie there.
            job_folders.refuse_mounts(Path(layout.job_temp_root))
            job_folders.empty_temps(layout, self.config.isolation)
            clean_node.forget(self.config)
            tree_removal.discard(self.config.work / "spool")
        except job_folders.FolderError as error:
            self._undo_faults.append(str(error))
            self._temps_fault = True


def _mount_outcome(error: MountError) -> Outcome:
    return Outcome(Reason(error.code), message=str(error), transient=error.transient)


def _container_outcome(error: ContainerError) -> Outcome:
    details = (("imageName", error.image),)
    return Outcome(Reason.CONTAINER_START, message=str(error), details=details, transient=error.transient)


def _with_text(outcome: Outcome) -> str:
    return f": {outcome.message}" if outcome.message else ""
