"""The agent: one loop that takes jobs of one cluster and runs them, one at a time."""

import json
import logging
import random
import threading
import time
from contextlib import ExitStack
from dataclasses import replace

from runner.agent import report_outcome
from runner.agent.heartbeat import NodeReporter
from runner.agent.lease_keeper import LeaseKeeper
from runner.agent.node_setup import ClusterVolumes
from runner.agent.queue_order import QueueOrder
from runner.agent.setup_task import SetupTaskError
from runner.attempt import clean_node
from runner.attempt.job_runner import JobRunner
from runner.attempt.peers import Peers, Work
from runner.attempt.result import Dissolved, Result
from runner.config import RunnerConfig
from runner.gang.helper import Help, HelperPeers, Helping
from runner.gang.link import MakeLink, PortsOnly
from runner.gang.rendezvous import Rendezvous
from runner.isolation import job_folders
from runner.machine import nvml
from runner.machine.gpu_share import NO_GPUS, GpuShare
from runner.machine.scheduled_events import EventWatcher, MachineEvent
from runner.processes import process_tracker as cages
from runner.processes.process_tracker import ProcessTracker
from runner.processes.stop_signal import StopReason, StopSignal
from runner.secrets.redaction import KnownSecrets
from shared.backend import Backend
from shared.environment.variables import Node
from shared.errors import BatchAIError, LostOwnershipError, MountError, SecretError, StoreError
from shared.jobs.allocation import REQUEUE
from shared.jobs.gang import Gang
from shared.jobs.model import Job, Lease, Outcome, Reason, StreamSeal
from shared.managers.claims import Claim
from shared.names.ids import queue_name
from shared.stores.cluster_table import NodeRow
from shared.stores.secrets.key_vaults import Vaults

log = logging.getLogger(__name__)

#: A job that lives shorter than this shows no "running" in status.json: it is over before anybody looks.
_STATUS_SECONDS = 2.0
_LOOK_SECONDS = 0.2
#: What a runner cannot do now it tries again after this long.
_RETRY_SECONDS = 5.0
#: Why a job is handed back, for people.
_STOPPED = "The runner was stopped"
_RESIZED = "The cluster was resized, and this node is none of it any more"


class Agent:
    """A runner: one Batch AI node. `run` returns when `stop` was called and nothing is left on the node."""

    def __init__(
        self,
        backend: Backend,
        config: RunnerConfig,
        known: KnownSecrets | None = None,
        share: GpuShare = NO_GPUS,
        make_link: MakeLink = PortsOnly,
    ) -> None:
        """`known` is told every secret that this runner comes to know; `share` is what is claimed for it;
        `make_link`: how the nodes of a job of several reach each other."""
        self._backend = backend
        self._config = config
        self._stopping = threading.Event()
        self._signal: StopSignal | None = None
        self._share = share
        self._node = Node(config.node_id, config.address, share.count)
        row = NodeRow(config.cluster, config.node_id, "preparing", share.count, config.address)
        self._reporter = NodeReporter(
            backend.nodes, row, config.node_report_seconds, self._look, self._stand_by
        )
        self._known = known or KnownSecrets()
        self._vaults = Vaults(config.vault_hosts)
        self._volumes = ClusterVolumes(config, backend, self._stopping, self._vaults, self._known)
        self._tracker = ProcessTracker(config.isolation)
        self._keeper: LeaseKeeper | None = None
        self._runner: JobRunner | None = None
        self._make_link = make_link
        self._leaving = _STOPPED
        self._temps_in_doubt = True  #: whether folders for a job can be made, as far as is known
        self._machine_going: MachineEvent | None = None
        self._order = QueueOrder(*(queue_name(config.cluster, p) for p in ("high", "normal", "low")))
        # A runner that has just come up is as brisk as after a job.
        self._last_job = time.monotonic()

    def stop(self) -> None:
        """Drain: hand the job under way back, take no other. Returns at once; from any thread."""
        self._stopping.set()
        if signal := self._signal:
            signal.set(StopReason.DRAIN)

    def kill(self) -> None:
        """End every process of the job under way, at once. From any thread, when there is no time left."""
        self._tracker.kill()

    def machine_goes(self, event: MachineEvent) -> None:
        """The machine is about to be taken away: tell the job, hand it back, take no other until it stays."""
        self._machine_going, self._leaving = event, f"The machine is taken away: {event}"
        if runner := self._runner:
            runner.notice = json.dumps(event.as_json())
        if signal := self._signal:
            signal.set(StopReason.EVICTED)

    def machine_stays(self) -> None:
        """The announcement was withdrawn: go on with other jobs."""
        self._machine_going, self._leaving = None, _STOPPED

    def _stand_by(self, standby: str) -> None:
        """The cluster is to have fewer nodes, or this one again: called when that is heard."""
        log.info("stands by" if standby else "serves", extra={"action": "stand_by", "standby": standby})
        self._last_job = time.monotonic()  # as brisk as after a job
        if standby == REQUEUE and self._signal:
            self._leaving = _RESIZED
            self._signal.set(StopReason.DRAIN)

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
                    about = {"job": str(self._runner.claim.job.id)} if self._runner else {}
                    log.exception("unexpected", extra={"action": "turn_failed", **about})
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
        if self._reporter.standby:
            self._stopping.wait(_LOOK_SECONDS)
            return
        for queue in self._order.next():
            if self._stopping.is_set():
                return
            found = self._backend.claims.next_job(queue, self._config.node_id)
            if isinstance(found, Claim):
                self._order.took(queue)
                self._run_job(found)
                return
            if found:
                self._help(found.gang)
                return
            self._order.found_empty(queue)
        self._stopping.wait(self._pause())

    def _make_ready(self) -> bool:
        try:
            clean_node.refuse(self._config, self._tracker, temps=self._temps_in_doubt)
            self._temps_in_doubt = False
            ready = self._volumes.follow()
        except (MountError, SecretError, SetupTaskError, job_folders.FolderError) as error:
            log.warning("node unusable: %s", error, extra={"action": "unusable"})
            self._reporter.set("unusable", detail=self._known.text(str(error)))
            return False
        except StoreError as error:
            self._reporter.set("preparing", detail=self._known.text(str(error)))
            raise
        if ready:
            self._reporter.stand_by(
                self._backend.clusters.standby_of(self._config.cluster, self._config.node_id)
            )
            self._reporter.set("idle")
            log.info("ready for jobs of cluster %s", self._config.cluster, extra={"action": "ready"})
        else:
            self._reporter.set("preparing", detail=f"cluster {self._config.cluster} has no cluster.json yet")
        return ready

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
        attempts, stop, settings = self._backend.attempts, self._new_signal(), self._backend.settings
        # A short lease must leave time between renewals; a lost one is killed without grace anyway.
        margin = min(self._config.grace_seconds + 2.0, settings.lease_seconds / 3)
        self._tracker = tracker = ProcessTracker(self._config.isolation)
        _arm(tracker, claim.lease)
        self._keeper = keeper = LeaseKeeper(
            attempts,
            claim.job,
            claim.lease,
            stop,
            settings.renew_seconds,
            margin,
            lambda lease: _arm(tracker, lease),
            self._log_progress,
        )
        keeper.start()
        self._reporter.set("running", job=claim.job.uuid)
        told = threading.Timer(_STATUS_SECONDS, attempts.status.write, (claim.job,))
        if not claim.job.held:
            told.start()
        with ExitStack() as gang:
            try:
                result = self._attempt(claim, stop, gang)
            finally:
                told.cancel()
                if told.ident:
                    told.join()
                job, lease = keeper.end()
                cages.close(tracker)
            try:
                report_outcome.tell(self._backend.attempts, job, lease, result, self._leaving)
            except LostOwnershipError as error:
                log.warning("result dropped: %s", error, extra={"action": "lost", "job": str(claim.job.id)})
            finally:
                self._free(result.node_fault)
        takes_more = not self._stopping.is_set() and not self._reporter.standby
        if result.dissolved and result.dissolved.help and takes_more:
            self._help(result.dissolved.help)

    def _new_signal(self) -> StopSignal:
        """What stops the job that begins now."""
        self._signal = stop = StopSignal()
        if self._stopping.is_set():
            stop.set(StopReason.DRAIN)
        elif self._machine_going:
            stop.set(StopReason.EVICTED)
        elif self._reporter.standby == REQUEUE:
            self._leaving = _RESIZED
            stop.set(StopReason.DRAIN)
        return stop

    def _free(self, node_fault: str) -> None:
        """The node works on no job any more."""
        self._signal = self._runner = self._keeper = None
        if not self._machine_going:
            self._leaving = _STOPPED
        self._last_job = time.monotonic()
        if node_fault:
            self._reporter.set("unusable", detail=node_fault)
        else:
            self._reporter.set("idle")

    def _attempt(self, claim: Claim, stop: StopSignal, gang: ExitStack) -> Result:
        if result := self._follow(claim.cluster_revision, stop):
            return result
        if claim.job.node_count == 1:
            return self._run(claim, stop, None)
        rendezvous = Rendezvous(
            self._backend.attempts,
            self._backend.gangs,
            self._config,
            claim,
            self._node,
            self._make_link,
            stop,
            self._known.text,
            self._look,
            lambda: self._leaving,
        )
        gang.callback(rendezvous.close)
        try:
            together = rendezvous.assemble()
        except StoreError as error:
            together = Dissolved(str(error), _RETRY_SECONDS)
        except BatchAIError as error:
            return Result(Outcome(Reason.RUNNER_FAULT, message=str(error)))
        if not isinstance(together, Job):
            # The rows go first: whoever has joined is free before the job is looked at again.
            gang.close()
            return Result(None, stopped=stop.reason, dissolved=together)
        return self._run(replace(claim, job=together), stop, rendezvous.peers)

    def _help(self, gang: Gang) -> None:
        """Help another runner's job, if its gang still lacks nodes."""
        helping = Helping(
            self._backend.attempts, self._backend.gangs, self._config, self._node, self._make_link
        )
        work = helping.read(gang)
        if work is None:
            return
        stop = self._new_signal()
        self._tracker = tracker = ProcessTracker(self._config.isolation)
        fault = ""
        try:
            peers = helping.join(gang, work, stop, self._known.text, tracker.arm, lambda: self._leaving)
            if peers:
                log.info("helps", extra={"action": "helps", "job": str(gang.job), "uuid": gang.uuid})
                self._reporter.set("running", job=gang.uuid)
                fault = self._take_part(peers, work, stop)
        except BatchAIError as error:
            log.warning("not helped: %s", error, extra={"action": "help", "job": str(gang.job)})
        finally:
            cages.close(tracker)
            helping.close()
            self._free(fault)

    def _take_part(self, peers: HelperPeers, work: Help, stop: StopSignal) -> str:
        """What is wrong with the node afterwards, or ""."""
        if peers.wait_for_start():
            early = self._follow(work.cluster_revision, stop)
        elif stop.reason is StopReason.LOST or peers.leave():
            return ""
        else:
            early = Result(None, stopped=stop.reason)
        result = peers.conclude(early) if early else self._run(work, stop, peers)
        return result.node_fault

    def _follow(self, revision: str, stop: StopSignal) -> Result | None:
        """Bring the cluster's volumes up to what a job was accepted against; None when they are."""
        if revision == self._volumes.revision:
            return None
        try:
            self._volumes.follow()
        except (MountError, SecretError, SetupTaskError, StoreError) as error:
            stop.set(StopReason.DRAIN)
            fault = self._known.text(f"cluster volumes: {error}")
            return Result(None, stopped=StopReason.DRAIN, node_fault=fault)
        return None

    def _run(self, claim: Work, stop: StopSignal, peers: Peers | None) -> Result:
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
            self._tracker,
            share=self._share,
            peers=peers,
            settle_cluster=self._volumes.settle,
        )
        if self._machine_going:
            runner.notice = json.dumps(self._machine_going.as_json())
        devices = self._share.devices
        busy = nvml.busy(devices) if devices else frozenset()
        result = runner.run()
        self._temps_in_doubt = result.temps_fault
        if devices and (left := nvml.left_busy(devices, busy)):
            fault = f"a GPU is still used by process {', '.join(map(str, sorted(left)))}"
            result = replace(result, node_fault="; ".join(filter(None, (result.node_fault, fault))))
        return result

    def _look(self) -> None:
        if keeper := self._keeper:
            keeper.look()

    def _log_progress(self) -> tuple[StreamSeal, ...]:
        return self._runner.log_progress() if self._runner else ()

    def _leave(self) -> None:
        try:
            self._volumes.close()
        except MountError as error:
            log.error("volumes left behind: %s", error, extra={"action": "leave"})
        self._vaults.close()
        self._reporter.end()


def _arm(tracker: ProcessTracker, lease: Lease) -> None:
    """The job's processes die a moment before its lease ends, even if this process cannot see to it."""
    left = lease.deadline - time.monotonic()
    tracker.arm(max(0.01, left - min(1.0, left / 10)))
