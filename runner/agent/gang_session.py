"""Jobs of several nodes on this node: leading one that was claimed here, helping one of another node."""

import logging
from contextlib import ExitStack
from dataclasses import replace

from runner.agent.job_session import GangSession, JobSession, NodeServices, Session
from runner.attempt.result import Dissolved, Result
from runner.gang.helper import Helping, Part
from runner.gang.link import MakeLink
from runner.gang.rendezvous import GaveWay, Rendezvous
from runner.processes import process_tracker
from runner.processes.process_tracker import ProcessTracker
from runner.processes.stop_signal import StopReason, StopSignal
from shared.errors import BatchAIError, StoreError
from shared.jobs.gang import Gang
from shared.jobs.model import Job, Outcome, Reason
from shared.managers.claims import Claim, Help

log = logging.getLogger(__name__)

#: A job whose nodes could not be brought together because of storage is looked at again after this long.
_RETRY_SECONDS = 5.0


def gang_session(make_link: MakeLink) -> GangSession:
    """What makes the sessions of jobs of several nodes; `make_link`: how these reach each other."""

    def made(services: NodeServices, found: Claim | Help) -> Session:
        if isinstance(found, Help):
            return HelperSession(services, found.gang, make_link)
        return LeaderSession(services, found, make_link)

    return made


class LeaderSession(JobSession):
    """A claimed job of several nodes: they come together first."""

    def __init__(self, services: NodeServices, claim: Claim, make_link: MakeLink) -> None:
        super().__init__(services, claim)
        self._make_link = make_link

    def _attempt(self, stop: StopSignal, stack: ExitStack) -> Result:
        services = self._services
        rendezvous = Rendezvous(
            services.backend.attempts,
            services.backend.gangs,
            services.config,
            self._claim,
            services.node,
            self._make_link,
            stop,
            services.known.text,
            self.look,
            lambda: services.stops.why,
        )
        stack.callback(rendezvous.close)
        try:
            together = rendezvous.assemble()
        except StoreError as error:
            together = Dissolved(str(error), _RETRY_SECONDS)
        except BatchAIError as error:
            return Result(Outcome(Reason.RUNNER_FAULT, message=str(error)))
        if not isinstance(together, Job):
            # The rows go first: whoever has joined is free before the job is looked at again.
            stack.close()
            self.then = Help(together.older) if isinstance(together, GaveWay) else None
            return Result(None, stopped=stop.reason, dissolved=together)
        work = replace(self._claim, job=together)
        self._runner = runner = services.runner(
            work, stop, self.tracker, rendezvous.peers, self._renewed_since
        )
        busy = services.busy_gpus()
        with services.part(runner):
            result = runner.run()
        return services.without_gpu_use(rendezvous.peers.conclude(result), busy)


class HelperSession:
    """One node's part in a gang that another node leads. Used once."""

    then: Help | None = None

    def __init__(self, services: NodeServices, gang: Gang, make_link: MakeLink) -> None:
        self._services = services
        self._gang = gang
        self._helping = Helping(
            services.backend.attempts, services.backend.gangs, services.config, services.node, make_link
        )
        self.name = str(gang.job)
        self.tracker = ProcessTracker(services.config.isolation, services.guard)

    def look(self) -> None:
        """A helper sees what becomes of the job by its gang."""

    def run(self) -> Result | None:
        """Help, if the gang still lacks nodes; None when there was nothing to do. Raises StoreError while
        what is to be done cannot be read."""
        part = self._helping.read(self._gang)
        if part is None:
            return None
        result = Result(None)
        stop = self._services.begin()
        try:
            result = self._join(part, stop)
        except BatchAIError as error:
            log.warning("not helped: %s", error, extra={"action": "help", "job": self.name})
        finally:
            process_tracker.close(self.tracker)
            self._helping.close()
            self._services.end(result.node_fault)
        return result

    def _join(self, part: Part, stop: StopSignal) -> Result:
        services, gang = self._services, self._gang
        why = services.stops
        peers = self._helping.join(gang, part, stop, services.known.text, self.tracker.arm, lambda: why.why)
        if peers is None:
            return Result(None)
        log.info("helps", extra={"action": "helps", "job": self.name, "uuid": gang.uuid})
        services.reporter.set("running", job=gang.uuid)
        if peers.wait_for_start():
            early = services.follow(part.cluster_revision, stop)
        elif stop.reason is StopReason.LOST or peers.leave():
            return Result(None)
        else:
            early = Result(None, stopped=stop.reason)
        if early:
            return peers.conclude(early)
        runner = services.runner(part, stop, self.tracker, peers)
        busy = services.busy_gpus()
        with services.part(runner):
            result = runner.run()
        return services.without_gpu_use(peers.conclude(result), busy)
