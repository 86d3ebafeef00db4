"""One claimed job on this node: its lease, its watchdog, its attempt, and the report of its end."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from runner.agent.heartbeat import NodeReporter
from runner.agent.lease_keeper import LeaseKeeper
from runner.agent.node_setup import ClusterVolumes
from runner.agent.node_start import NodeStart
from runner.agent.outcome_report import report_outcome
from runner.agent.setup_task import SetupTaskError
from runner.agent.stop_requests import StopRequests
from runner.attempt.host import AttemptHost
from runner.attempt.job_runner import JobRunner
from runner.attempt.peers import Alone, Peers, Work
from runner.attempt.result import Result
from runner.isolation.node_config import NodeConfig
from runner.logs.log_writers import Writers
from runner.machine import nvml
from runner.machine.gpu_readings import GpuReadings
from runner.machine.gpu_share import GpuShare
from runner.machine.late_thread import LateThread
from runner.processes import process_tracker
from runner.processes.process_guard import ProcessGuard
from runner.processes.process_tracker import ProcessTracker
from runner.processes.stop_signal import StopReason, StopSignal
from runner.secrets.redaction import KnownSecrets
from shared.backend import Backend
from shared.environment.variables import Node
from shared.errors import LostOwnershipError, MountError, SecretError, StoreError
from shared.jobs.allocation import REQUEUE
from shared.jobs.events import JobEvent
from shared.jobs.model import Job, Lease, StreamSeal
from shared.managers.claims import Claim, Help
from shared.managers.job_traces import about
from shared.stores.secrets.key_vaults import Vaults
from shared.telemetry.tracing import node_part

log = logging.getLogger(__name__)

#: A job that lives shorter than this shows no "running" in status.json: it is over before anybody looks.
_STATUS_SECONDS = 2.0


@dataclass(frozen=True)
class NodeServices:
    """What the jobs of one node have in common, for as long as its runner lives."""

    backend: Backend
    config: NodeConfig
    node: Node
    share: GpuShare  #: the GPUs that are this node's
    known: KnownSecrets
    vaults: Vaults
    volumes: ClusterVolumes
    reporter: NodeReporter
    stops: StopRequests
    guard: ProcessGuard
    writers: Writers
    gpu_readings: GpuReadings
    start: NodeStart
    ended: Callable[[], None]  #: called when the node works on no job any more

    def begin(self) -> StopSignal:
        """The stop signal of a job that begins now."""
        return self.stops.begin(resized=self.reporter.standby == REQUEUE)

    def end(self, node_fault: str) -> None:
        """The node works on no job any more. `node_fault`: why it should take no other, or ""."""
        self.stops.end()
        self.ended()
        if node_fault:
            self.reporter.set("unusable", detail=node_fault)
        else:
            self.reporter.set("idle")

    def follow(self, revision: str, stop: StopSignal) -> Result | None:
        """Bring the cluster's volumes up to what a job was accepted against; None when they are."""
        if revision == self.volumes.revision:
            return None
        try:
            self.volumes.follow()
        except (MountError, SecretError, SetupTaskError, StoreError) as error:
            stop.set(StopReason.DRAIN)
            fault = self.known.text(f"cluster volumes: {error}")
            return Result(None, stopped=StopReason.DRAIN, node_fault=fault)
        return None

    def runner(
        self,
        work: Work,
        stop: StopSignal,
        tracker: ProcessTracker,
        peers: Peers | None = None,
        renewed: Callable[[float], float] = lambda since: since,
    ) -> JobRunner:
        """An attempt of `work` on this node. `renewed`: `LeaseKeeper.renewed_since`, where it leads."""
        host = AttemptHost(
            self.config,
            self.backend.settings,
            self.backend.workspaces.file_server,
            self.volumes.volumes,
            self.vaults,
            self.known,
            self.backend.connection.counter,
            self.share,
            self.volumes.settle,
            self.writers,
            self.start.events,
            self.gpu_readings,
            self.volumes.idle_gpus,
        )
        return JobRunner(host, work, self.node, stop, tracker, peers, lambda: self.stops.notice, renewed)

    def part(self, runner: JobRunner) -> AbstractContextManager[None]:
        """What happens inside is the node's part in an attempt, for telemetry."""
        job, peers = runner.claim.job, runner.peers or Alone(self.node)
        return node_part(job.uuid, job.attempt, self.node.node_id, about(job), peers.nodes[0].node_id)

    def busy_gpus(self) -> frozenset[int]:
        """Processes that use this node's GPUs now."""
        return nvml.busy(self.share.devices) if self.share.devices else frozenset()

    def without_gpu_use(self, result: Result, busy: frozenset[int]) -> Result:
        """`result`, with the node at fault where further processes than `busy` still use its GPUs."""
        devices = self.share.devices
        if not devices or not (left := nvml.left_busy(devices, busy)):
            return result
        fault = f"a GPU is still used by process {', '.join(map(str, sorted(left)))}"
        return replace(result, node_fault="; ".join(filter(None, (result.node_fault, fault))))


class Session(Protocol):
    """A node's work on one job. Used once."""

    name: str  #: of the job
    tracker: ProcessTracker
    then: Help | None  #: what the node is to do right after `run`, before it looks for a job

    def run(self) -> Result | None:
        """Work to the end; None where there was nothing to do. Raises StoreError."""

    def look(self) -> None:
        """See now whether the job was asked to end. From any thread."""


#: Makes the session of what concerns several nodes: leading a claimed job, or helping with another node's.
GangSession = Callable[[NodeServices, Claim | Help], Session]


class JobSession:
    """A claim, worked on once. `LeaderSession` is the same for a job of several nodes."""

    then: Help | None = None

    def __init__(self, services: NodeServices, claim: Claim) -> None:
        self._services = services
        self._claim = claim
        self._runner: JobRunner | None = None
        self._keeper: LeaseKeeper | None = None
        self.name = str(claim.job.id)
        self.tracker = ProcessTracker(services.config.isolation, services.guard)

    def run(self) -> Result | None:
        """Run the job to its outcome and report it, unless the lease was lost on the way; None when the claim
        came too late. Raises StoreError when the outcome could not be reported while the lease lasted."""
        services, claim = self._services, self._claim
        if time.monotonic() >= claim.lease.deadline:
            log.warning("claimed too late", extra={"action": "lost", "job": self.name})
            return None
        log.info("claimed", extra={"action": "claimed", "job": self.name, "uuid": claim.job.uuid})
        stop = services.begin()
        self._keeper = keeper = self._keep_lease(stop)
        services.reporter.set("running", job=claim.job.uuid)
        running = LateThread(partial(services.backend.attempts.status.write, claim.job), "status")
        if not claim.job.held:
            running.start(_STATUS_SECONDS)
        with ExitStack() as stack:
            try:
                result = services.follow(claim.cluster_revision, stop) or self._attempt(stop, stack)
            finally:
                running.cancel()
                running.join()
                job, lease = keeper.end()
                process_tracker.close(self.tracker)
            self._report(job, lease, result)
        return result

    def look(self) -> None:
        """See now whether the job was asked to end. From any thread."""
        if keeper := self._keeper:
            keeper.look()

    def _keep_lease(self, stop: StopSignal) -> LeaseKeeper:
        services, claim = self._services, self._claim
        settings = services.backend.settings
        # A short lease must leave time between renewals; a lost one is killed without grace anyway.
        margin = min(services.config.grace_seconds + 2.0, settings.lease_seconds / 3)
        _arm(self.tracker, claim.lease)
        keeper = LeaseKeeper(
            services.backend.attempts,
            claim.job,
            claim.lease,
            stop,
            settings.renew_seconds,
            margin,
            lambda lease: _arm(self.tracker, lease),
            self._log_progress,
            self._events,
        )
        keeper.start()
        return keeper

    def _attempt(self, stop: StopSignal, stack: ExitStack) -> Result:
        """The attempt. `stack` is left when its end was reported."""
        services = self._services
        self._runner = runner = services.runner(self._claim, stop, self.tracker, None, self._renewed_since)
        busy = services.busy_gpus()
        with services.part(runner):
            result = runner.run()
        return services.without_gpu_use(result, busy)

    def _renewed_since(self, since: float) -> float:
        return self._keeper.renewed_since(since) if self._keeper else since

    def _log_progress(self) -> tuple[StreamSeal, ...]:
        return self._runner.log_progress() if self._runner else ()

    def _events(self) -> tuple[JobEvent, ...]:
        return self._runner.events() if self._runner else ()

    def _report(self, job: Job, lease: Lease, result: Result) -> None:
        services = self._services
        try:
            report_outcome(services.backend.attempts, job, lease, result, services.stops.why)
        except LostOwnershipError as error:
            log.warning("result dropped: %s", error, extra={"action": "lost", "job": self.name})
        finally:
            services.end(result.node_fault)


def _arm(tracker: ProcessTracker, lease: Lease) -> None:
    """The job's processes die a moment before its lease ends, even if this process cannot see to it."""
    left = lease.deadline - time.monotonic()
    tracker.arm(max(0.01, left - min(1.0, left / 10)))
