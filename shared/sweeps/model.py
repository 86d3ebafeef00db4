"""A sweep and its runs, as rows hold them. Changed by the functions of `progress` only. PURE."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.jobs.open_enums import OpenStrEnum
from shared.names.sweep_ids import RunMark, SweepId
from shared.sweeps import bits


class SweepState(OpenStrEnum):
    """How a sweep stands."""

    RUNNING = "running"  #: runs are made, or not all have ended
    TERMINATING = "terminating"  #: no more runs are made; those that live are being stopped
    SUCCEEDED = "succeeded"  #: every run has
    FAILED = "failed"  #: all runs have ended, some of them not well; or too many failed
    TERMINATED = "terminated"  #: somebody asked for its end

    @property
    def live(self) -> bool:
        """Whether it still changes by itself; a state of a newer version is taken for one that does."""
        return self not in (SweepState.SUCCEEDED, SweepState.FAILED, SweepState.TERMINATED)


class Why(OpenStrEnum):
    """Why a sweep ends before its last run."""

    NOTHING = ""
    ASKED = "SweepTerminated"
    TOO_MANY_FAILED = "MaxFailuresReached"


@dataclass(frozen=True)
class Sweep:
    """What we know of one sweep. Runs are meant by their numbers, counted from 0.

    Its runs are made in the order of `todo`: those before `reserved` may have a job, those before `made` have
    one. A run is reserved in the row before its job is made, so that none is forgotten and none made twice.
    """

    id: SweepId
    uuid: str
    state: SweepState
    created: datetime  #: UTC, as all times
    state_since: datetime
    source: str  #: "<container>/<path>@<etag>" or "<...>@http-<...>"
    content_sha256: str  #: keyed digest of the document
    count: int  #: runs in all
    first_index: int
    max_concurrent: int | None
    max_failures: int | None
    todo: int  #: bits: the runs of this generation
    reserved: int = 0
    made: int = 0
    ended: int = 0  #: bits
    failed: int = 0  #: bits; a part of `ended`
    generation: int = 0  #: times that failed runs were begun again
    why: Why = Why.NOTHING
    deleting: bool = False
    submitted_by: str = ""
    properties: str = "{}"  #: the document without secrets, JSON
    problems: str = "[]"  #: warnings and notes about it, JSON
    #: Columns of the row that a newer version wrote: carried along, never looked at.
    newer: tuple[tuple[str, Any], ...] = ()
    etag: str = ""  #: of the row this was read from

    def mark(self, number: int) -> RunMark:
        """What the source of a run's job says."""
        return RunMark(self.uuid, self.generation, number)

    def index(self, number: int) -> int:
        """The index of a run: what its job is named after."""
        return self.first_index + number

    @property
    def order(self) -> tuple[int, ...]:
        """The runs of this generation, in the order in which they are made."""
        return tuple(bits.numbers(self.todo))

    @property
    def unmade(self) -> tuple[int, ...]:
        """Runs that are reserved and may have no job yet."""
        return self.order[self.made : self.reserved]

    @property
    def in_flight(self) -> tuple[int, ...]:
        """Runs that have, or may have, a job that has not been seen to end."""
        return tuple(number for number in self.order[: self.reserved] if not self.ended >> number & 1)

    @property
    def ended_count(self) -> int:
        return self.ended.bit_count()

    @property
    def failed_count(self) -> int:
        return self.failed.bit_count()


@dataclass(frozen=True)
class RunResult:
    """How a run ended: one row a run, written with the sweep's."""

    number: int
    uuid: str  #: of the job's run; "" where there was none
    state: str  #: a job's state, or "refused", "deleted"
    started: datetime | None = None
    ended: datetime | None = None
    exit_code: int | None = None
    metric: float | None = None
    message: str = ""  #: why it failed, in short
    newer: tuple[tuple[str, Any], ...] = ()

    @property
    def failed(self) -> bool:
        return self.state != "succeeded"
