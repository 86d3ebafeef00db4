"""What an attempt came to on this node."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from runner.processes.stop_signal import StopReason
from shared.jobs.model import NOTHING_REPORTED, AttemptReport, Outcome


@dataclass(frozen=True)
class Dissolved:
    """The nodes of a job did not come together."""

    why: str
    pause_seconds: float = 0.0  #: until the job is looked at again


@dataclass(frozen=True)
class Result:
    """What an attempt came to. `node_fault` says why the node should take no other job, or ""."""

    outcome: Outcome | None  #: None when the attempt was stopped for the runner's sake (lost, drained)
    report: AttemptReport = NOTHING_REPORTED
    stopped: StopReason | None = None
    node_fault: str = ""
    temps_fault: bool = False  #: and that is the folders of jobs, which could not be cleared or made
    dissolved: Dissolved | None = None  #: the job's nodes did not come together
    given_back: str = ""  #: why the job is handed back, where it is not for this runner's sake

    def redacted(self, strike: Callable[[str], str]) -> "Result":
        """The same with every text for people passed through `strike`."""
        outcome, events = self.outcome, self.report.events
        if outcome:
            details = tuple((name, strike(value)) for name, value in outcome.details)
            outcome = replace(outcome, message=strike(outcome.message), details=details)
        report = replace(self.report, events=tuple(replace(e, detail=strike(e.detail)) for e in events))
        return replace(self, outcome=outcome, report=report, node_fault=strike(self.node_fault))
