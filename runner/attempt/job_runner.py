"""One attempt of one job on this node, from folders to outcome."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from runner.attempt import clean_node, faults, idle_gpus, resources
from runner.attempt.execution import Execution, with_code
from runner.attempt.host import AttemptHost
from runner.attempt.last_lines import drain_until
from runner.attempt.peers import Alone, Peers, Work
from runner.attempt.record import AttemptRecord
from runner.attempt.result import Result
from runner.attempt.step_hosts import step_host_of
from runner.isolation import job_folders
from runner.logs import routing
from runner.logs.execution_log import ExecutionLog
from runner.logs.routing import Logs
from runner.machine import tree_removal
from runner.mounts.from_document import trusted_path_of, volumes_of
from runner.mounts.mount import mount_all
from runner.mounts.types import Volume
from runner.processes import job_process, process_table, process_tracker
from runner.processes.process_tracker import ProcessTracker
from runner.processes.stop_signal import StopReason, StopSignal
from runner.secrets.key_vault import opened
from shared.documents.secret_references import secret_values
from shared.documents.spec import JobSpec
from shared.environment.layout import NodeLayout
from shared.environment.variables import Node, Placement, log_directory
from shared.errors import SecretError, StoreError
from shared.fail_points import reach
from shared.jobs.events import EventKind, JobEvent
from shared.jobs.model import Outcome, StreamSeal
from shared.jobs.status_json import timestamp
from shared.launch.plan import execution_log_name
from shared.managers.clock import utc_now


@dataclass(frozen=True)
class _Begun:
    """An attempt that has folders and logs, and nothing mounted yet."""

    spec: JobSpec  #: secrets opened
    placement: Placement
    volumes: tuple[Volume, ...]  #: the job's own
    roots: Mapping[str, tuple[Volume, ...]]  #: where they and the cluster's lie on the node
    logs: Logs
    record: AttemptRecord


@dataclass
class JobRunner:
    """Runs one claimed job. `run` returns when nothing of the job is left on the node."""

    host: AttemptHost
    claim: Work
    node: Node
    stop: StopSignal
    tracker: ProcessTracker = field(default_factory=ProcessTracker)
    peers: Peers | None = None  #: None: the node alone
    notice: Callable[[], str] = lambda: ""  #: what the job learns when its machine is taken away, JSON
    renewed_since: Callable[[float], float] = lambda since: since  #: see last_lines
    monotonic: Callable[[], float] = time.monotonic
    _logs: Logs | None = None
    _record: AttemptRecord | None = None

    def run(self) -> Result:
        """The attempt, whole. Every fault becomes an outcome, without secrets in it."""
        begun = self._begin()
        if isinstance(begun, Result):
            return begun.redacted(self.host.known.text)
        outcome: Outcome | None = None
        try:
            try:
                with ExitStack() as stack:
                    execution = self._mount(begun, stack)
                    if (outcome := execution.run()) and not self.stop.job_is_over():
                        outcome = None
                    reach("stopped")
            except Exception as error:
                outcome = faults.ended_by(self.claim.job, error, outcome, for_runner=self.stop.for_runner)
            return self._finish(begun, outcome).redacted(self.host.known.text)
        finally:
            process_tracker.close(self.tracker)

    def log_progress(self) -> tuple[StreamSeal, ...]:
        """How much of the logs has arrived where people read them. From any thread."""
        return self._logs.progress() if self._logs else ()

    def events(self) -> tuple[JobEvent, ...]:
        """What has happened so far, without secrets. From any thread."""
        found = tuple(self._record.events) if self._record else ()
        return tuple(replace(event, detail=self.host.known.text(event.detail)) for event in found)

    @property
    def _peers(self) -> Peers:
        return self.peers or Alone(self.node)

    # ---- before anything is mounted

    def _begin(self) -> _Begun | Result:
        """The attempt with folders and logs, or what it came to without them."""
        host, job, peers = self.host, self.claim.job, self._peers
        try:
            spec = opened(self.claim.spec, host.vaults)
        except (SecretError, StoreError) as error:
            return faults.no_secrets(error)
        host.known.know("job", secret_values(spec))
        layout = NodeLayout(str(host.config.root), job.id)
        placement = Placement(
            host.settings.scope, job.id, job.cluster, job.uuid, job.attempt, layout, peers.nodes, peers.index
        )
        try:
            clean_node.forget(host.config)
            job_folders.make(layout, host.config.isolation, routing.folder_on_node(spec, placement))
            spool = host.config.work / "spool" / f"{job.uuid}-{job.attempt}"
            job_folders.make_anew(spool)
        except job_folders.FolderError as error:
            self.stop.set(StopReason.DRAIN)
            return faults.no_folders(error)
        try:
            volumes = volumes_of(spec.mount_volumes, host.settings, host.find_server)
            roots = {layout.job_mount_root: volumes, layout.mount_root: host.cluster_volumes}
            logs = self._open_logs(log_directory(spec, placement), roots, spool)
        except Exception as error:
            return faults.no_logs(job, error)
        return _Begun(spec, placement, volumes, roots, logs, self._start_logs(logs, placement))

    def _open_logs(self, folder: str, roots: Mapping[str, tuple[Volume, ...]], spool: Path) -> Logs:
        host, job = self.host, self.claim.job
        return routing.open_logs(
            folder,
            roots,
            spool,
            job.uuid,
            job.attempt,
            host.counter,
            node_root=host.config.root,
            user=host.config.isolation.user,
            held=lambda: not self.tracker.late,
            writers=host.writers,
        )

    def _start_logs(self, logs: Logs, placement: Placement) -> AttemptRecord:
        job = self.claim.job
        path = logs.add(execution_log_name(placement))
        text = ExecutionLog(path, lambda: timestamp(utc_now()), self.host.known.text)
        logs.start()
        self._logs = logs
        text.say(f"attempt {job.attempt} of job {job.id} on node {self.node.node_id}")
        node_id = self.node.node_id
        self._record = record = AttemptRecord(
            job, node_id, text, events=[*self.host.node_events(job, node_id)]
        )
        if not self._peers.leads:
            record.happened(EventKind.NODE_BEGAN)
        return record

    # ---- while the volumes are there

    def _mount(self, begun: _Begun, stack: ExitStack) -> Execution:
        """Mount the volumes and make the execution ready. Leaving `stack` closes the step host, kills what is
        left, waits for the cluster's volumes, completes logs on volumes and unmounts, in this order."""
        host, layout, record = self.host, begun.placement.layout, begun.record
        context = routing.mount_context(
            host.config, record.say, lambda error: record.volume_failed(str(error))
        )
        stack.enter_context(mount_all(begun.volumes, Path(layout.job_mount_root), context))
        stack.enter_context(routing.while_mounted(begun.logs, drain_until(self.stop, self.renewed_since)))
        stack.callback(self._settle_cluster, record)
        record.happened(EventKind.MOUNTED)
        reach("mounted")
        step_host = step_host_of(
            begun.spec, begun.placement, host, begun.roots, record, self.tracker, self.stop
        )
        watch = idle_gpus.watch(host.idle_gpus, self._peers, record, self.stop)
        execution = Execution(
            config=host.config,
            spec=begun.spec,
            placement=begun.placement,
            step_host=step_host,
            logs=begun.logs,
            record=record,
            stop=self.stop,
            tracker=self.tracker,
            peers=self._peers,
            sampler=resources.of_attempt(begun.placement, step_host, self.tracker, host, begun.logs, watch),
            trusted_path=lambda path: trusted_path_of(path, layout.root, begun.roots),
            notice=self.notice,
            monotonic=self.monotonic,
        )
        stack.callback(self._kill_left, execution)
        stack.callback(lambda: record.node_faults.extend(step_host.close()))
        return execution

    def _kill_left(self, execution: Execution) -> None:
        record = execution.record
        found, left = self.tracker.kill()
        if found:
            record.say(f"{found} processes were left behind and were killed")
        job_process.reap(execution.processes)
        if left:
            fault = f"cannot be killed: {process_table.describe(left)}"
            record.say(fault)
            record.node_faults.append(fault)

    def _settle_cluster(self, record: AttemptRecord) -> None:
        """Before the logs are closed, which may lie on a volume themselves: what the job has written to the
        cluster's volumes, which stay, has arrived there; or the job says what has not."""
        if self.stop.reason is StopReason.LOST:
            return  # nobody waits for it, and the next job on this node does
        for fault in self.host.settle_cluster(record.say):
            record.say(fault)
            record.volume_failed(fault)

    # ---- when they are unmounted

    def _finish(self, begun: _Begun, outcome: Outcome | None) -> Result:
        """Report to the job's owner how it ended, bring the logs home, leave nothing on the node."""
        record = begun.record
        self._peers.over(outcome)
        reach("unmounted")
        stopped = self.stop.reason if outcome is None else None
        if outcome:
            outcome = faults.explained(outcome, self.tracker, self.host.config, record.node_faults)
            text = f": {outcome.message}" if outcome.message else ""
            record.say(f"ended: {outcome.reason}{with_code(outcome)}{text}")
        elif stopped:
            record.say(f"stopped: {stopped.value}")
        record.say(f"time line: {record.timeline()}")
        seals = begun.logs.finish(drain_until(self.stop, self.renewed_since))
        record.happened(EventKind.UPLOADED)
        reach("sealed")
        self._clear_up(begun.placement.layout, record)
        fault = "; ".join(record.node_faults)
        return Result(outcome, record.report(seals), stopped, fault, record.temps_fault)

    def _clear_up(self, layout: NodeLayout, record: AttemptRecord) -> None:
        try:
            # The job's temp stays until the next job starts, as the original's did: logs may lie there.
            job_folders.refuse_mounts(Path(layout.job_temp_root))
            job_folders.empty_temps(layout, self.host.config.isolation)
            clean_node.forget(self.host.config)
            tree_removal.discard(self.host.config.work / "spool")
        except job_folders.FolderError as error:
            record.node_faults.append(str(error))
            record.temps_fault = True
