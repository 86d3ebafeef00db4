"""What is known of one attempt so far: its events, and what it does to the node."""

from dataclasses import dataclass, field, replace

from runner.logs.execution_log import ExecutionLog
from shared.jobs.events import EventKind, JobEvent
from shared.jobs.model import AttemptReport, Job, StreamSeal
from shared.jobs.timeline import in_words, timeline
from shared.managers.clock import utc_now


@dataclass
class AttemptRecord:
    """Filled by the stages of an attempt, in its thread; volumes may add faults from theirs."""

    job: Job
    node_id: str
    log: ExecutionLog  #: for the job's owner
    gpu_seconds: float = 0.0
    events: list[JobEvent] = field(default_factory=list)
    node_faults: list[str] = field(default_factory=list)  #: why the node should take no other job
    temps_fault: bool = False  #: see Result

    def say(self, text: str) -> None:
        """A line of the execution log."""
        self.log.say(text)

    def happened(self, kind: EventKind, detail: str = "") -> None:
        """An event of the job, now."""
        self.events.append(JobEvent(utc_now(), kind, self.job.attempt, self.node_id, detail))

    def volume_failed(self, fault: str) -> None:
        """What the job wrote may not have arrived, or a mount could not be undone."""
        self.node_faults.append(fault)
        self.happened(EventKind.VOLUME_FAULT, fault)

    def timeline(self) -> str:
        """How long each stage took so far, in words."""
        used = self.job.gpu_seconds + self.gpu_seconds
        events = (*self.job.events, *self.events)
        return in_words(timeline(replace(self.job, events=events, gpu_seconds=used)))

    def report(self, seals: tuple[StreamSeal, ...]) -> AttemptReport:
        """What the job's row is given at the end."""
        return AttemptReport(seals, tuple(self.events), self.gpu_seconds)
