"""Leading: the node that holds a job's lease brings the others together and conducts the attempt."""

import logging
from dataclasses import replace

from runner.attempt.result import Result
from runner.gang.member import GangPeers, Seat
from runner.isolation.node_config import NodeConfig
from runner.processes.stop_signal import StopReason
from shared.fail_points import reach
from shared.jobs import gang as rules
from shared.jobs.gang import Ending, Gang, Look, Member, Phase, Step
from shared.jobs.model import AttemptReport, Outcome, Reason

log = logging.getLogger(__name__)

#: How long the leader waits for helpers that are heard of and do not come to an end.
_HURRIED_SECONDS, _PART_SECONDS = 10.0, 120.0


class LeaderPeers(GangPeers):
    """All writes to the gang's row after it was opened are made here, in the watch's thread."""

    leads = True

    def __init__(self, seat: Seat, config: NodeConfig) -> None:
        self._config = config
        self._complete = self._running = self._closed = False
        self._ending: Ending | None = None
        self._verdict: Outcome | None = None
        self._leaver = ""
        self._silent: set[str] = set()
        super().__init__(seat)

    # ---- assembling

    def is_complete(self, seconds: float) -> bool:
        """Whether every seat is taken, and the gang closed; waits up to `seconds`."""
        return self._watch.wait(lambda: self._complete, seconds)

    def run(self) -> None:
        """The job's row says running: everybody may begin."""
        self._together = self.gang.members
        self._running = True
        self._watch.hurry()

    def _assemble(self, gang: Gang, lost: list[Member], look: Look) -> None:
        for member in lost:
            fields = {"action": "seat_freed", "node": member.node_id, "job": str(gang.job)}
            log.info("seat freed", extra=fields)
            gang = self._gangs.free(gang, member)
        # Not with somebody who may just have died: once closed, a gang cannot lose a member and go on.
        half = self._gangs.silence_seconds / 2
        if len(gang.members) == gang.size and not rules.silent(gang, look.at, half):
            self._gangs.write(replace(gang, phase=Phase.ASSEMBLED))
            reach("assembled")
            self._complete = True

    # ---- the attempt

    @property
    def verdict(self) -> Outcome | None:
        return self._verdict

    def _heed(self, gang: Gang | None, look: Look, before: float) -> None:
        if gang is None:
            self._lost()
            return
        lost = list(rules.silent(gang, look.at, self._gangs.silence_seconds))
        self._silent = {member.token for member in lost}
        self._seen(gang)
        if gang.phase is Phase.ASSEMBLING:
            self._assemble(gang, lost, look)
        elif gang.phase is not Phase.ENDING:
            self._conduct(gang, lost)

    def _conduct(self, gang: Gang, lost: list[Member]) -> None:
        if self._stop.reason is StopReason.LOST:
            return  # not ours to say any more
        if self._ending is None:
            self._judge(gang, lost)
        if self._ending is None and gang.phase is Phase.LAUNCHING and gang.all_are(Step.DONE):
            self._ending = Ending.DONE
        if self._ending:
            self._move(gang, Phase.ENDING, self._ending)
            if self._ending is Ending.DONE:
                self._finished.set()
        elif gang.phase is Phase.ASSEMBLED and self._running:
            self._move(gang, Phase.PREPARING)
        elif gang.phase is Phase.PREPARING and gang.all_are(Step.PREPARED):
            self._move(gang, Phase.LAUNCHING)

    def _move(self, gang: Gang, phase: Phase, ending: Ending | None = None) -> None:
        self._gangs.write(replace(gang, phase=phase, ending=ending))
        if phase in (Phase.LAUNCHING, Phase.ENDING):
            reach(str(phase))
        self._watch.hurry()

    def _judge(self, gang: Gang, lost: list[Member]) -> None:
        """Whether another node ends the attempt, and as what."""
        for member in gang.members[1:]:
            if member.fault:
                self._verdict, self._ending = named(member.fault, member), Ending.STOP
                self._stop.set(StopReason.PEER)
            elif member.leaving:
                self._leaver, self._ending = f"Node {member.node_id} leaves: {member.leaving}", Ending.HURRY
                self._stop.set(StopReason.PEER_LEAVES)
            elif member in lost or member.step in (Step.STOPPED, Step.LEFT):
                # Who has left without a word could not reach storage for as long as it may be silent.
                self._verdict, self._ending = _lost_outcome(member), Ending.HURRY
                self._stop.set(StopReason.PEER_LOST)
            if self._ending:
                return

    def idle(self, idle: bool) -> bool:
        super().idle(idle)
        return rules.gpus_are_idle(self.gang, idle)

    def _report_end(self, outcome: Outcome | None) -> None:
        reason = self._stop.reason
        if self._ending is None and reason is not StopReason.LOST:
            hurry = outcome is None or (reason is not None and reason.hurries)
            good = outcome is not None and outcome.succeeded
            self._ending = Ending.DONE if good else Ending.HURRY if hurry else Ending.STOP
        self._watch.hurry()

    def _before_parting(self) -> None:
        self._wait_for_others(Step.STOPPED, Step.LEFT)

    def conclude(self, result: Result) -> Result:
        self.over(result.outcome)
        if self._stop.reason is StopReason.LOST:
            return result
        self._watch.report(step=Step.LEFT)
        self._wait_for_others(Step.LEFT)
        report = merged(result.report, [m.report for m in self.gang.members[1:] if m.report])
        return replace(result, outcome=self._whole(result.outcome), report=report, given_back=self._leaver)

    def _wait_for_others(self, *steps: Step) -> None:
        """Until every helper is at one of `steps`, or lost, or has had its time."""
        hurry = self._ending is Ending.HURRY
        seconds = _HURRIED_SECONDS if hurry else self._config.upload_timeout_seconds + _PART_SECONDS

        def parted() -> bool:
            return self._stop.reason is StopReason.LOST or all(
                member.step in steps or member.token in self._silent for member in self.gang.members[1:]
            )

        if not self._watch.wait(parted, seconds):
            log.warning("helpers not done", extra={"action": "helpers_late", "job": str(self.gang.job)})

    def _whole(self, outcome: Outcome | None) -> Outcome | None:
        """What the attempt came to on all nodes, from what it came to here."""
        if outcome is None or self._verdict:
            return outcome and self._verdict
        if outcome.succeeded:
            # Whoever went silent on the way out may have taken results with it.
            left = [m for m in self.gang.members[1:] if m.step is not Step.LEFT]
            return _lost_outcome(left[0]) if left else outcome
        if outcome.reason in (Reason.TERMINATED, Reason.WALL_CLOCK, Reason.GPUS_IDLE):
            return outcome
        return named(outcome, self.gang.members[0])

    def disband(self) -> None:
        """The end: nobody is informed any more, and the rows go. Raises nothing."""
        self.end()
        try:
            self._gangs.remove(self.gang)
        except Exception as error:
            # The sweeper finds them once they are silent.
            log.info("gang not removed: %s", error, extra={"action": "disband", "job": str(self.gang.job)})


def named(outcome: Outcome, member: Member) -> Outcome:
    """A failure with the node it happened on."""
    details = (*outcome.details, ("Node", member.node_id))
    return replace(outcome, message=f"Node {member.node_id}: {outcome.message}", details=details)


def _lost_outcome(member: Member) -> Outcome:
    return named(Outcome(Reason.RUNNER_LOST, message="it was not heard of any more"), member)


def merged(own: AttemptReport, others: list[AttemptReport]) -> AttemptReport:
    """The reports of all nodes as one; events in the order of time."""
    every = [own, *others]
    events = sorted((event for report in every for event in report.events), key=lambda event: event.at)
    return AttemptReport(
        tuple(seal for report in every for seal in report.seals),
        tuple(events),
        sum(report.gpu_seconds for report in every),
    )
