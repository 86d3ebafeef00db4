"""A gang: the nodes that run one attempt of a job with nodeCount > 1, and what follows from how they stand.
PURE.

    assembling -> assembled -> preparing -> launching -> ending
         ^  |
         join, leave

One runner leads: it holds the job's lease, writes the job's row and moves the gang from phase to phase. Every
member, the leader included, reports itself in a row of its own. Who is silent is judged by the storage
service's clock alone (`heard` against the time of the answer).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.jobs.model import AttemptReport, Job, Outcome
from shared.jobs.open_enums import OpenStrEnum
from shared.names.ids import ClusterId, JobId, priority_rank


class Phase(OpenStrEnum):
    """How far a gang is. Only its leader moves it, and only forward."""

    ASSEMBLING = "assembling"  #: nodes come and go
    ASSEMBLED = "assembled"  #: complete: nobody joins or leaves any more, nothing has been done yet
    PREPARING = "preparing"  #: the job's row says running; mounts and jobPreparation on every node
    LAUNCHING = "launching"  #: every node is prepared: processes may start
    ENDING = "ending"  #: every node stops what still runs and reports what there is to report


class Step(OpenStrEnum):
    """How far a member is. Only itself moves it, and only forward."""

    JOINED = "joined"
    PREPARED = "prepared"  #: it waits for the others before it starts a process
    DONE = "done"  #: every process that counts has ended with 0 here; others may still run
    STOPPED = "stopped"  #: no process of the job runs here any more
    LEFT = "left"  #: nothing of the job is left here; its report is in the row


class Ending(OpenStrEnum):
    """How the members stop when their gang ends."""

    DONE = "done"  #: the job has succeeded
    STOP = "stop"  #: SIGTERM, the usual grace, SIGKILL
    HURRY = "hurry"  #: the same with little time: a node leaves or was lost


@dataclass(frozen=True)
class Member:
    """One node of a gang as it reports itself."""

    index: int  #: of the placement's nodes; 0 leads
    node_id: str
    address: str
    gpus: int
    token: str  #: drawn when it joined: a row with another one is somebody else's
    access: str = "{}"  #: JSON, opaque here: how the others reach it by ssh; public values only
    ports: tuple[int, ...] = ()  #: ports that were free on its address when it joined
    step: Step = Step.JOINED
    fault: Outcome | None = None  #: what went wrong here first: it ends the attempt on all nodes
    leaving: str = ""  #: why this node leaves, for people; the attempt is handed back
    report: AttemptReport | None = None  #: written with the step LEFT
    #: its GPUs did nothing for as long as the cluster's idleGpus allows; not said by older versions
    idle: bool = False
    heard: datetime | None = None  #: the storage service's time of the last write
    etag: str = ""


@dataclass(frozen=True)
class Gang:
    """One attempt's gang. `taken` counts its members in the row that a join and a leave must both write."""

    cluster: ClusterId
    job: JobId
    uuid: str
    attempt: int
    priority: str
    created: datetime  #: of the job: the older gang comes first
    size: int
    taken: int = 1
    phase: Phase = Phase.ASSEMBLING
    ending: Ending | None = None
    members: tuple[Member, ...] = ()  #: by index
    etag: str = ""

    @property
    def rank(self) -> tuple[int, datetime, str]:
        """Smaller ranks go first; no two gangs have the same."""
        return _rank(self.priority, self.created, self.uuid)

    @property
    def lacking(self) -> int:
        """How many nodes it still waits for."""
        return max(0, self.size - self.taken) if self.phase is Phase.ASSEMBLING else 0

    @property
    def leader(self) -> Member | None:
        """The member that leads."""
        return next((member for member in self.members if member.index == 0), None)

    def member(self, token: str) -> Member | None:
        """The member that drew `token`."""
        return next((member for member in self.members if member.token == token), None)

    def free_index(self) -> int:
        """The lowest seat that nobody has."""
        taken = {member.index for member in self.members}
        return next(index for index in range(self.size + 1) if index not in taken)

    def all_are(self, *steps: Step) -> bool:
        """Whether the gang is complete and every member is at one of `steps`."""
        return len(self.members) == self.size and all(member.step in steps for member in self.members)


@dataclass(frozen=True)
class Stray:
    """A member without a gang: what a crash left, or what follows its gang in a moment."""

    uuid: str
    attempt: int
    member: Member


@dataclass(frozen=True)
class Look:
    """Gangs of a cluster as they stood at `at`, the storage service's time of the answer."""

    gangs: tuple[Gang, ...]
    at: datetime
    strays: tuple[Stray, ...] = ()

    def find(self, uuid: str, attempt: int) -> Gang | None:
        """The gang of one attempt."""
        return next((g for g in self.gangs if (g.uuid, g.attempt) == (uuid, attempt)), None)


def _rank(priority: str, created: datetime, uuid: str) -> tuple[int, datetime, str]:
    return priority_rank(priority), created, uuid


def rank_of(job: Job) -> tuple[int, datetime, str]:
    """The rank of a job's gang."""
    return _rank(job.priority, job.created, job.uuid)


def is_silent(member: Member, at: datetime, silence_seconds: float) -> bool:
    """Whether a member has not been heard of for longer than it may be."""
    return member.heard is None or at - member.heard > timedelta(seconds=silence_seconds)


def silent(gang: Gang, at: datetime, silence_seconds: float) -> Sequence[Member]:
    """The members beside the leader that are lost. Who has left has nothing more to say."""
    others = (member for member in gang.members if member.index and member.step is not Step.LEFT)
    return [member for member in others if is_silent(member, at, silence_seconds)]


def gpus_are_idle(gang: Gang, leader: bool) -> bool:
    """Whether the GPUs of every member that has any are idle; `leader`: whether the leader's are. Not where
    nobody has any."""
    having = [member for member in gang.members if member.gpus]
    return bool(having) and all(member.idle if member.index else leader for member in having)


def oldest_lacking(
    look: Look, silence_seconds: float, before: tuple[int, datetime, str] | None = None
) -> Gang | None:
    """The gang that the next free node should help: the oldest one that lacks nodes and whose leader is
    alive, among those older than `before`."""
    found = [gang for gang in look.gangs if gang.lacking and is_led(gang, look.at, silence_seconds)]
    older = [gang for gang in found if before is None or gang.rank < before]
    return min(older, key=lambda gang: gang.rank, default=None)


def is_led(gang: Gang, at: datetime, silence_seconds: float) -> bool:
    """Whether a gang's leader has been heard of."""
    return gang.leader is not None and not is_silent(gang.leader, at, silence_seconds)


def hints(gangs: Iterable[Gang]) -> int:
    """How many hints may lie in the queue for `gangs`: they are messages that mean no job."""
    return sum(gang.lacking for gang in gangs)
