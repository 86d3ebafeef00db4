"""The agent: one loop that takes jobs of one cluster and runs them, one at a time."""

import logging
import random
import time

from runner.agent.heartbeat import NodeReporter, first_row
from runner.agent.job_session import GangSession, JobSession, NodeServices, Session
from runner.agent.node_setup import ClusterVolumes
from runner.agent.node_start import NodeStart
from runner.agent.poll_pace import PollPace
from runner.agent.queue_order import QueueOrder
from runner.agent.setup_task import SetupTaskError
from runner.agent.stay import Stay
from runner.agent.stop_requests import StopRequests
from runner.attempt import clean_node
from runner.isolation import job_folders
from runner.isolation.node_config import NodeConfig
from runner.logs.log_writers import Writers
from runner.machine.gpu_readings import GpuReadings
from runner.machine.gpu_share import NO_GPUS, GpuShare
from runner.machine.scheduled_events import EventWatcher
from runner.processes.process_guard import ProcessGuard
from runner.processes.process_tracker import ProcessTracker
from runner.secrets.redaction import KnownSecrets
from shared.backend import Backend
from shared.environment.variables import Node
from shared.errors import MountError, SecretError, StoreError
from shared.jobs.allocation import REQUEUE
from shared.managers.claims import Claim, Help
from shared.names.ids import queue_name
from shared.stores.secrets.key_vaults import Vaults

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
#: What a runner cannot do now it tries again after this long.
_RETRY_SECONDS = 5.0


class Agent:
    """A runner: one Batch AI node. `run` returns when `stop` or `finish` was called, or its row was marked,
    and nothing is left on the node."""

    def __init__(
        self,
        backend: Backend,
        config: NodeConfig,
        gang_session: GangSession,
        known: KnownSecrets | None = None,
        share: GpuShare = NO_GPUS,
        stay: Stay | None = None,
    ) -> None:
        """`gang_session`: called for jobs of several nodes only; `known` is given every secret that this
        runner comes to know; `share` is what is claimed for it; `stay`: when it leaves by itself."""
        self._backend = backend
        self._config = config
        self._stops = StopRequests()
        self._start = NodeStart()
        gpu_readings = GpuReadings(share.devices)
        self._reporter = NodeReporter(
            backend.nodes,
            first_row(config, share.count),
            config.node_report_seconds,
            self._look,
            self._stand_by,
            self._marked,
            gpu_readings.as_json,
        )
        self._known = known or KnownSecrets()
        self._vaults = Vaults(config.vault_hosts, own=backend.settings.sealing_keys_secret)
        self._volumes = ClusterVolumes(config, backend, self._stops.draining, self._vaults, self._known)
        self._guard = ProcessGuard(config.isolation)
        self._writers = Writers()
        self._services = NodeServices(
            backend,
            config,
            Node(config.node_id, config.address, share.count),
            share,
            self._known,
            self._vaults,
            self._volumes,
            self._reporter,
            self._stops,
            self._guard,
            self._writers,
            gpu_readings,
            self._start,
            self._be_brisk,
        )
        self._gang_session = gang_session
        self._stay = stay or Stay()
        self._session: Session | None = None
        self._tracker = ProcessTracker(config.isolation, self._guard)  #: of the latest job
        self._temps_in_doubt = True  #: whether folders for a job can be made, as far as is known
        self._order = QueueOrder(*(queue_name(config.cluster, p) for p in ("high", "normal", "low")))
        pauses = config.active_poll_seconds, config.idle_poll_seconds, config.active_seconds
        self._pace = PollPace(time.monotonic(), *pauses)

    def stop(self) -> None:
        """Drain: hand the job under way back, take no other. Returns at once; from any thread."""
        self._stops.drain()

    def finish(self) -> None:
        """Take no other job than the one under way, and leave. Returns at once; from any thread."""
        log.info("finishes, then leaves", extra={"action": "finish"})
        self._stops.finish()
        self._reporter.leaves(True)

    @property
    def has_finished(self) -> bool:
        """Whether it leaves because it was to finish first, not because it was stopped."""
        return self._stops.finishing and not self._stops.draining.is_set()

    def _marked(self, drain: bool) -> None:
        """The node is to finish and leave, or to stay after all: called when that is heard."""
        text = "finishes, then leaves" if drain else "stays"
        log.info(text, extra={"action": "drain_mark", "drain": drain})
        self._stops.mark(drain)
        self._reporter.leaves(self._stops.finishing)

    def kill(self) -> None:
        """End every process of the job under way, at once. From any thread, when there is no time left."""
        self._tracker.kill()

    def _stand_by(self, standby: str) -> None:
        """The cluster is to have fewer nodes, or this one again: called when that is heard."""
        log.info("stands by" if standby else "serves", extra={"action": "stand_by", "standby": standby})
        self._be_brisk()
        if standby == REQUEUE:
            self._stops.resize()

    def run(self) -> None:
        """Work until stopped."""
        url = self._config.scheduled_events_url
        watcher = EventWatcher(url, self._config.machine, self._stops.evict, self._stops.withdraw)
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
            while not (self._stops.takes_none or self._stay.is_over):
                try:
                    if found := self._turn():
                        self._work_on(found)
                except StoreError as error:
                    log.warning("storage: %s", error, extra={"action": "poll_failed"})
                    self._stops.draining.wait(_RETRY_SECONDS)
                except Exception:
                    # A fault of ours in one job must not take the node away from the others.
                    about = {"job": self._session.name} if self._session else {}
                    log.exception("unexpected", extra={"action": "turn_failed", **about})
                    self._stops.draining.wait(_RETRY_SECONDS)
        finally:
            self._leave()

    def _turn(self) -> Claim | Help | None:
        """Make the node ready if it is not, then look for a job; None after a moment without one."""
        if self._stops.machine_event:
            self._reporter.set("leaving", detail=str(self._stops.machine_event))
            self._stops.draining.wait(_LOOK_SECONDS)
            return None
        if self._reporter.state == "leaving":
            self._reporter.set("preparing")
        if self._reporter.state in ("preparing", "unusable") and not self._make_ready():
            self._stops.draining.wait(_RETRY_SECONDS if self._reporter.state == "unusable" else 1.0)
            return None
        if self._reporter.standby:
            self._stops.draining.wait(_LOOK_SECONDS)
            return None
        for queue in self._order.next(time.monotonic()):
            if self._stops.takes_none:
                return None
            found = self._backend.claims.next_job(queue, self._config.node_id)
            if isinstance(found, Claim):
                self._order.took(queue)
            if found:
                self._pace.came(time.monotonic())
                return found
            self._order.found_empty(queue, time.monotonic())
        # Jitter keeps many runners from polling in step.
        self._stops.draining.wait(self._pace.pause(time.monotonic()) * random.uniform(0.9, 1.1))
        return None

    def _make_ready(self) -> bool:
        try:
            clean_node.clear(self._config, self._tracker, temps=self._temps_in_doubt)
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
            self._stay.is_ready()
            self._start.is_ready()
            log.info("ready for jobs of cluster %s", self._config.cluster, extra={"action": "ready"})
        else:
            self._reporter.set("preparing", detail=f"cluster {self._config.cluster} has no cluster.json yet")
        return ready

    def _work_on(self, found: Claim | Help) -> None:
        """Run a claimed job or help another, to its end; then help the older job that it gave way to."""
        session = self._session_of(found)
        self._session, self._tracker = session, session.tracker
        result = session.run()
        if result is None:
            return
        self._temps_in_doubt = result.temps_fault
        self._stay.has_worked(result)
        if session.then and not self._stops.takes_none and not self._reporter.standby:
            self._work_on(session.then)

    def _session_of(self, found: Claim | Help) -> Session:
        if isinstance(found, Claim) and found.job.node_count == 1:
            return JobSession(self._services, found)
        return self._gang_session(self._services, found)

    def _be_brisk(self) -> None:
        """Poll as after a job."""
        self._pace.renew(time.monotonic())

    def _look(self) -> None:
        if session := self._session:
            session.look()

    def _leave(self) -> None:
        try:
            self._volumes.close()
        except MountError as error:
            log.error("volumes left behind: %s", error, extra={"action": "leave"})
        self._guard.close()
        self._writers.close()
        self._vaults.close()
        self._reporter.end()
