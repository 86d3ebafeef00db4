"""States, reasons, Job, Lease, Outcome: what a row holds, as values. `transitions` changes them. PURE.

Names of states and codes are the original service's (REST specification; recorded conversations); codes that
it did not have are marked "ours".
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.jobs import layouts
from shared.jobs.events import JobEvent
from shared.jobs.open_enums import OpenStrEnum
from shared.names.ids import ClusterId, JobId
from shared.names.table_limits import escaped


class State(OpenStrEnum):
    """executionState of a job."""

    QUEUED = "queued"  #: accepted, or waiting to be tried again
    RUNNING = "running"  #: a runner owns it: mounts, image, preparation and the job itself
    TERMINATING = "terminating"  #: somebody asked for its end; the runner is stopping it
    SUCCEEDED = "succeeded"  #: ended with exit code 0
    FAILED = "failed"  #: ended in any other way

    @property
    def live(self) -> bool:
        """Whether the job can still change; a state of a newer version is taken for one that can."""
        return self not in (State.SUCCEEDED, State.FAILED)


class Reason(OpenStrEnum):
    """How an attempt ended. Closed list: people match on these words, think before adding one."""

    SUCCEEDED = "Succeeded"  #: exit code 0
    JOB_FAILED = "JobFailed"  #: the user's program ended with another exit code
    PREPARATION_FAILED = "JobPreparationFailed"  #: jobPreparation did
    TERMINATED = "JobTerminated"  #: somebody asked for it
    WALL_CLOCK = "JobWallClockTimeExceeded"  #: constraints.maxWallClockTime passed (ours: not recorded)
    GPUS_IDLE = "JobGpusIdle"  #: its GPUs did nothing for as long as the cluster's idleGpus allows (ours)
    FILE_SHARE_MOUNT = "AZFMountError"
    CONTAINER_MOUNT = "BFSMountError"
    FILE_SERVER_MOUNT = "NFSMountError"  #: ours
    UNMANAGED_MOUNT = "UnmanagedMountError"  #: ours
    SECRET_UNAVAILABLE = "SecretUnavailable"  #: a Key Vault refuses a secret the document refers to (ours)
    CONTAINER_START = "FailedStartingContainer"  #: no image, or no container of it
    START_FAILED = "JobStartFailed"  #: the processes could not be started (ours)
    RUNNER_LOST = "RunnerLost"  #: the machine or its runner went away (ours)
    RUNNER_FAULT = "RunnerFault"  #: our own fault on the node (ours)
    POISON = "PoisonJob"  #: its message was delivered too often without an end (ours)


MOST_MESSAGE, MOST_DETAILS = 10_000, 8  # UTF-16 units; with them an error fits its column (MOST_ERRORS)
MOST_SEALS = 180  #: as many fit a column

#: Ours to try again, up to maxAttempts; everything else is the user's, or final, unless it is transient.
RETRIED = frozenset({Reason.RUNNER_LOST, Reason.RUNNER_FAULT})


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. `exit_code` is None where no process of the user came to an end of its own."""

    reason: Reason
    exit_code: int | None = None
    message: str = ""
    details: tuple[tuple[str, str], ...] = ()  #: (name, value) pairs shown with the error
    transient: bool = False  #: it may do better in a while, so it is tried again (a server did not answer)

    @property
    def succeeded(self) -> bool:
        return self.reason is Reason.SUCCEEDED

    @property
    def retried(self) -> bool:
        """Whether it is ours to try again while attempts are left."""
        return self.transient or self.reason in RETRIED


@dataclass(frozen=True)
class JobError:
    """An entry of executionInfo.errors."""

    code: str
    message: str
    details: tuple[tuple[str, str], ...] = ()


def error_of(outcome: Outcome) -> JobError:
    """What a job shows of how an attempt ended."""
    # A message of any length must not keep the row from being written.
    details = ((escaped(n, 100), escaped(value, 400)) for n, value in outcome.details[:MOST_DETAILS])
    return JobError(str(outcome.reason), escaped(outcome.message, MOST_MESSAGE), tuple(details))


@dataclass(frozen=True)
class StreamSeal:
    """What is known of one log stream: length in bytes, sha256 in hex ("": not known), whether it is whole,
    and its newlines. Of a lost runner only what had arrived is known: that is not whole."""

    name: str
    size: int
    sha256: str
    complete: bool
    lines: int = 0


@dataclass(frozen=True)
class AttemptReport:
    """What a runner reports of an attempt beside its outcome."""

    seals: tuple[StreamSeal, ...] = ()
    events: tuple[JobEvent, ...] = ()
    gpu_seconds: float = 0.0  #: GPUs of the attempt's nodes, times how long its processes ran


NOTHING_REPORTED = AttemptReport()


@dataclass(frozen=True)
class Noted:
    """The latest change of a job's state of which an event was written (shared/jobs/changes.py)."""

    sequence: int = 0  #: events of the run so far
    state: State | None = None  #: after that change; None: there was none yet
    attempt: int = 0


@dataclass(frozen=True)
class Job:
    """What we know of one run of a job. Changed only by the functions of this module."""

    id: JobId
    uuid: str
    cluster: ClusterId
    priority: str
    node_count: int
    tool_type: str
    state: State
    created: datetime  #: all times are UTC
    state_since: datetime
    source: str  #: where it came from: "<container>/<blob path>@<etag>" or "<...>@http-<uuid>"
    content_sha256: str  #: keyed digest of what the document says, secrets included (the name is older)
    enqueued: datetime  #: when a message was last put for it
    attempt: int = 0  #: attempts begun; the fencing token of every write of a runner
    max_attempts: int = 3
    owner: str | None = None  #: runner that holds the current attempt
    message_id: str | None = None  #: queue message the current attempt was claimed with
    started: datetime | None = None  #: of the latest attempt
    ended: datetime | None = None
    exit_code: int | None = None
    errors: tuple[JobError, ...] = ()
    seals: tuple[StreamSeal, ...] = ()  #: of earlier attempts as stdout.attempt-1.txt and so on
    events: tuple[JobEvent, ...] = ()
    gpu_seconds: float = 0.0
    retry_at: datetime | None = None  #: not tried again before this moment (by the clock of who put it back)
    properties: str = "{}"  #: public_properties of the document, JSON, no secrets
    problems: str = "[]"  #: warnings and notes about the document, JSON
    deleting: bool = False  #: somebody asked for its deletion: it is removed once it has ended
    #: Who submitted it, as far as the way it came shows (api/submitters.py); "": a row from before ADR 0303.
    submitted_by: str = ""
    #: Not "": the limit that it would have passed, for people. It has no message until it is let go.
    withheld: str = ""
    #: Of which changes of its state events were written; None: nobody wants events of it.
    noted: Noted | None = None
    #: Columns of the row that a newer version wrote: carried along, never looked at.
    newer: tuple[tuple[str, Any], ...] = ()
    #: How long a claim or a renewal holds; None: unclaimed, or claimed by a runner from before ADR 0150.
    lease_seconds: float | None = None
    #: Which entries its row has beside it (shared/stores/job_entries.py): for as long as the run lives.
    layout: int = layouts.FIRST
    etag: str = ""  #: of the row this was read from
    #: Between the last write of the row and the answer that brought it, both by the storage service's clock.
    age_seconds: float = field(default=0.0, compare=False)
    stored_as: State | None = field(default=None, compare=False)  #: state of that row: where its entries lie

    @property
    def held(self) -> bool:
        """Whether a runner has claimed it and still assembles its nodes."""
        return self.state is State.QUEUED and self.owner is not None

    @property
    def waits_for_limit(self) -> bool:
        """Whether it has no message because of a limit: nobody has claimed it all the same, as a runner of an
        earlier version may."""
        return bool(self.withheld) and self.state is State.QUEUED and self.owner is None

    @property
    def lease_left(self) -> float | None:
        """Seconds for which its owner could still hold it when the row was read; None where no row says."""
        if self.owner is None or self.lease_seconds is None:
            return None
        return self.lease_seconds - self.age_seconds


@dataclass(frozen=True)
class Lease:
    """The exclusive, expiring right of one runner to run one attempt. A renewal returns a new one."""

    job: JobId
    uuid: str
    attempt: int
    owner: str
    queue: str
    message_id: str
    pop_receipt: str
    deadline: float  #: monotonic clock of the runner, seconds; measured from before the last renewal
    excused: int = 0  #: deliveries of the message that were no attempt and are not held against it
    traceparent: str = ""  #: of its message, which keeps it when it is rewritten
