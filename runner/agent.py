"""The agent: one loop that takes jobs of one cluster and runs them, one at a time."""

import json
import logging
import random
import threading
import time
from dataclasses import replace

from runner import cage as cages
from runner import folders, gpus, log_places, mounts
from runner.cage import Cage
from runner.cluster_volumes import ClusterVolumes
from runner.config import RunnerConfig
from runner.gpu_share import NO_GPUS, GpuShare
from runner.job_runner import JobRunner, Result
from runner.lease_keeper import LeaseKeeper
from runner.mounts import mountinfo
from runner.node_report import NodeReporter
from runner.polling import QueueOrder
from runner.redaction import KnownSecrets
from runner.scheduled_events import EventWatcher, MachineEvent
from runner.setup_task import SetupTaskError
from runner.stopping import StopReason, StopSignal
from shared.attempts import Claim
from shared.environment import Node
from shared.errors import LostOwnershipError, MountError, SecretError, StoreError
from shared.names import queue_name
from shared.state import Job, Lease, StreamSeal
from shared.stores.clusters import NodeRow
from shared.stores.vaults import Vaults
from shared.wiring import Backend

log = logging.getLogger(__name__)

#: A job that lives shorter than this shows no "running" in status.json: it is over before anybody looks.
_STATUS_SECONDS = 2.0
_LOOK_SECONDS = 0.2
#: What a runner cannot do now it tries again after this long.
_RETRY_SECONDS = 5.0


class Agent:
    """A runner: one Batch AI node. `run` returns when `stop` was called and nothing is left on the node."""

    def __init__(
        self,
        backend: Backend,
        config: RunnerConfig,
        address: str = "127.0.0.1",
        known: KnownSecrets | None = None,
        share: GpuShare = NO_GPUS,
    ) -> None:
        """`known` is told every secret that this runner comes to know; `share` is what is claimed for it."""
        self._backend = backend
        self._config = config
        self._stopping = threading.Event()
        self._signal: StopSignal | None = None
        self._share = share
        self._node = Node(config.node_id, address, share.count)
        row = NodeRow(config.cluster, config.node_id, "preparing", self._node.gpus, address)
        self._reporter = NodeReporter(backend.clusters.table, row, config.node_report_seconds, self._look)
        self._known = known or KnownSecrets()
        self._vaults = Vaults(config.vault_hosts)
        self._volumes = ClusterVolumes(config, backend, self._stopping, self._vaults, self._known)
        self._cage = Cage(config.isolation)
        self._keeper: LeaseKeeper | None = None
        self._runner: JobRunner | None = None
        self._leaving = "The runner was stopped"
        self._machine_going: MachineEvent | None = None
        self._order = QueueOrder(*(queue_name(config.cluster, p) for p in ("high", "normal", "low")))
        # A runner that has just come up is as brisk as after a job.
        self._last_job = time.monotonic()

    def stop(self) -> None:
        """Drain: hand the job under way back, take no other. Returns at once; safe in a signal handler."""
        self._stopping.set()
        if self._signal:
            self._signal.set(StopReason.DRAIN)

    def machine_goes(self, event: MachineEvent) -> None:
        """The machine is about to be taken away: tell the job, hand it back, take no other until it stays."""
        self._machine_going, self._leaving = event, f"The machine is taken away: {event}"
        if self._runner:
            self._runner.notice = json.dumps(event.as_json())
        if self._signal:
            self._signal.set(StopReason.EVICTED)

    def machine_stays(self) -> None:
        """The announcement was withdrawn: go on with other jobs."""
        self._machine_going, self._leaving = None, "The runner was stopped"

    def run(self) -> None:
        """Work until stopped."""
        url = self._config.scheduled_events_url
        watcher = EventWatcher(url, self._config.machine, self.machine_goes, self.machine_stays)
        if url:
            watcher.start()
        try:
            self._work()
        finally:
            if url:
                watcher.end()

    def _work(self) -> None:
        self._reporter.start()
        try:
            while not self._stopping.is_set():
                try:
                    self._turn()
                except StoreError as error:
                    log.warning("storage: %s", error, extra={"action": "poll_failed"})
                    self._stopping.wait(_RETRY_SECONDS)
                except Exception:
                    # A fault of ours in one job must not take the node away from the others.
                    log.exception("unexpected", extra={"action": "turn_failed"})
                    self._stopping.wait(_RETRY_SECONDS)
        finally:
            self._leave()

    def _turn(self) -> None:
        """Make the node ready if it is not, then run one job or wait a moment."""
        if self._machine_going:
            self._reporter.set("leaving", detail=str(self._machine_going))
            self._stopping.wait(_LOOK_SECONDS)
            return
        if self._reporter.state == "leaving":
            self._reporter.set("preparing")
        if self._reporter.state in ("preparing", "unusable") and not self._make_ready():
            self._stopping.wait(_RETRY_SECONDS if self._reporter.state == "unusable" else 1.0)
            return
        for queue in self._order.next():
            if self._stopping.is_set():
                return
            claim = self._backend.manager.next_job(queue, self._config.node_id)
            if isinstance(claim, Claim):
                self._order.took(queue)
                self._run_job(claim)
                return
            self._order.found_empty(queue)
        self._stopping.wait(self._pause())

    def _make_ready(self) -> bool:
        try:
            self._refuse_leftovers()
            ready = self._volumes.follow()
        except (MountError, SecretError, SetupTaskError, folders.FolderError) as error:
            log.warning("node unusable: %s", error, extra={"action": "unusable"})
            self._reporter.set("unusable", detail=self._known.text(str(error)))
            return False
        if ready:
            self._reporter.set("idle")
            log.info("ready for jobs of cluster %s", self._config.cluster, extra={"action": "ready"})
        else:
            self._reporter.set("preparing", detail=f"cluster {self._config.cluster} has no cluster.json yet")
        return ready

    def _refuse_leftovers(self) -> None:
        """What a job has left must be gone before another job may run here. Raises FolderError."""
        jobs = self._config.root / "jobs"
        if mountinfo.mounted_under(jobs):
            # What could not be unmounted when its job ended may be by now.
            mounts.sweep(jobs, log_places.mount_context(self._config, log.info, lambda error: None))
        folders.refuse_mounts(jobs)
        if folders.is_full(self._config.root):
            # Temps stay until the next job, but none would come any more.
            folders.clear(self._config.root / "jobs")
        if folders.is_full(self._config.root):
            raise folders.FolderError(f"the disk of {self._config.root} is full")
        self._cage.kill()
        if left := self._cage.inmates():
            raise folders.FolderError(f"left by an earlier job and not to be killed: {cages.describe(left)}")

    def _pause(self) -> float:
        active = time.monotonic() - self._last_job < self._config.active_seconds
        pause = self._config.active_poll_seconds if active else self._config.idle_poll_seconds
        # Jitter keeps many runners from polling in step.
        return pause * random.uniform(0.9, 1.1)

    def _run_job(self, claim: Claim) -> None:
        """Run a claimed job to its outcome and tell it, unless the lease was lost on the way."""
        if time.monotonic() >= claim.lease.deadline:
            log.warning("claimed too late", extra={"action": "lost", "job": str(claim.job.id)})
            return
        log.info("claimed", extra={"action": "claimed", "job": str(claim.job.id), "uuid": claim.job.uuid})
        manager, stop = self._backend.manager, StopSignal()
        self._signal = stop
        if self._stopping.is_set():
            stop.set(StopReason.DRAIN)
        elif self._machine_going:
            stop.set(StopReason.EVICTED)
        settings = self._backend.settings
        # A short lease must leave time between renewals; a lost one is killed without grace anyway.
        margin = min(self._config.grace_seconds + 2.0, settings.lease_seconds / 3)
        self._cage = cage = Cage(self._config.isolation)
        _arm(cage, claim.lease)
        self._keeper = keeper = LeaseKeeper(
            manager,
            claim.job,
            claim.lease,
            stop,
            settings.renew_seconds,
            margin,
            lambda lease: _arm(cage, lease),
            self._log_progress,
        )
        keeper.start()
        self._reporter.set("running", job=claim.job.uuid)
        told = threading.Timer(_STATUS_SECONDS, manager.write_status, (claim.job,))
        told.start()
        try:
            result = self._attempt(claim, stop)
        finally:
            told.cancel()
            told.join()
            job, lease = keeper.end()
            cages.close(cage)
        try:
            self._tell_end(job, lease, result)
        except LostOwnershipError as error:
            log.warning("result dropped: %s", error, extra={"action": "lost", "job": str(claim.job.id)})
        finally:
            self._signal = self._runner = self._keeper = None
            self._last_job = time.monotonic()
            if result.node_fault:
                self._reporter.set("unusable", detail=result.node_fault)
            else:
                self._reporter.set("idle")

    def _attempt(self, claim: Claim, stop: StopSignal) -> Result:
        if claim.cluster_revision != self._volumes.revision:
            try:
                self._volumes.follow()
            except (MountError, SecretError, SetupTaskError, StoreError) as error:
                stop.set(StopReason.DRAIN)
                fault = self._known.text(f"cluster volumes: {error}")
                return Result(None, stopped=StopReason.DRAIN, node_fault=fault)
        self._runner = runner = JobRunner(
            self._config,
            self._backend.settings,
            claim,
            self._node,
            self._volumes.volumes,
            self._backend.workspaces.file_server,
            stop,
            self._vaults,
            self._known,
            self._backend.connection.counter,
            self._cage,
            share=self._share,
        )
        if self._machine_going:
            runner.notice = json.dumps(self._machine_going.as_json())
        devices = self._share.devices
        busy = gpus.busy(devices) if devices else frozenset()
        result = runner.run()
        if devices and (left := gpus.left_busy(devices, busy)):
            fault = f"a GPU is still used by process {', '.join(map(str, sorted(left)))}"
            result = replace(result, node_fault="; ".join(filter(None, (result.node_fault, fault))))
        return result

    def _look(self) -> None:
        if keeper := self._keeper:
            keeper.look()

    def _log_progress(self) -> tuple[StreamSeal, ...]:
        return self._runner.log_progress() if self._runner else ()

    def _tell_end(self, job: Job, lease: Lease, result: Result) -> None:
        """Conclude the attempt, again and again while storage is away and the lease lasts: the result may be
        worth hours. Telling it twice does no harm."""
        while True:
            try:
                return self._conclude(job, lease, result)
            except LostOwnershipError:
                raise
            except StoreError as error:
                if time.monotonic() > lease.deadline:
                    raise
                log.warning("end not told yet: %s", error, extra={"action": "end_untold", "job": str(job.id)})
                time.sleep(1.0)

    def _conclude(self, job: Job, lease: Lease, result: Result) -> None:
        manager = self._backend.manager
        if result.outcome is not None:
            ended = manager.finish(job, lease, result.outcome, result.report)
            log.info("ended as %s", ended.state, extra={"action": "ended", "job": str(job.id)})
        elif result.stopped and result.stopped.hands_back:
            manager.give_back(job, lease, result.node_fault or self._leaving, result.report)
            log.info("handed back", extra={"action": "handed_back", "job": str(job.id)})

    def _leave(self) -> None:
        try:
            self._volumes.close()
        except MountError as error:
            log.error("volumes left behind: %s", error, extra={"action": "leave"})
        self._vaults.close()
        self._reporter.end()


def _arm(cage: Cage, lease: Lease) -> None:
    """The job's processes die a moment before its lease ends, even if this process cannot see to it."""
    left = lease.deadline - time.monotonic()
    cage.arm(max(0.01, left - min(1.0, left / 10)))
