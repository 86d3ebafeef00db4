"""What a workspace uses of its limits, who waits for them, and when it is whose turn: in numbers. PURE."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.jobs.quota import Amount, Asking, InUse, Passed, in_turn, over
from shared.jobs.waiting_reason import Waiting, over_a_limit
from shared.names.limits import GPU_HOURS, LIVE_JOBS, NODES, Limits
from shared.names.submitters import UNKNOWN


@dataclass(frozen=True)
class Turn:
    """A job among those that wait for limits, in the order in which they are let go if nothing changes.
    `own`: of those before it, its submitter's."""

    place: int
    own: int


class Shares:
    """Of one workspace at one moment. Each question costs no look at the whole line."""

    def __init__(self, limits: Limits, used: InUse, jobs: Iterable[Asking]) -> None:
        """`used`: what `jobs`, and others' hours, come to (quota.in_use). `jobs`: all that live."""
        self.limits = limits
        self.used = used
        waiting = [job for job in jobs if job.withheld]
        self.jobs = {job.uuid: job for job in waiting}
        self.turns: dict[str, Turn] = {}
        self.next = ""  #: whose job comes first
        self.waiting: Counter[str] = Counter()  #: jobs by submitter
        self._fair = self._shared_out(self._line_up(waiting))

    def _line_up(self, waiting: list[Asking]) -> InUse:
        """Count those that wait; what would be in use if all were let go."""
        used = self.used.copy()
        for place, job in enumerate(in_turn(used, waiting), start=1):
            used.add(job)
            self.next = self.next if place > 1 else job.by
            self.turns[job.uuid] = Turn(place, self.waiting[job.by])
            self.waiting[job.by] += 1
        return used

    def _shared_out(self, wanted: InUse) -> dict[str, dict[str, float]]:
        """What of the workspace's limits is whose, by what is limited."""
        limit = self.limits.of_workspace(self.used.workspace)
        jobs, nodes = dict[str, float](), dict[str, float]()
        for by, amount in wanted.by.items():
            own = self.limits.of_submitter(by)
            jobs[by] = _at_most(amount.live_jobs, own.live_jobs)
            nodes[by] = _at_most(amount.nodes, own.nodes)
        limited = ((LIVE_JOBS, limit.live_jobs, jobs), (NODES, limit.nodes, nodes))
        return {word: shared_out(most, wants) for word, most, wants in limited if most is not None}

    def fair(self, by: str, word: str) -> float | None:
        """What of the workspace's limit is a submitter's when all who want some have as much, and nobody more
        than wanted; None where that is not limited, or not shared."""
        return self._fair[word].get(by, 0.0) if word in self._fair else None

    def why(self, uuid: str, now: datetime) -> Waiting | None:
        """Why a job waits for a limit, with the numbers of now; None where it does not wait for one."""
        job = self.jobs.get(uuid)
        if job is None:
            return None
        passed, turn = over(self.limits, self.used, job), self.turns[uuid]
        share = None if passed is None or passed.own else self.fair(job.by, passed.word)
        parts = [str(passed) if passed else f"workspace {self.used.workspace} has space for it now"]
        if passed and share is not None:
            parts.append(
                f"{_shown(job.by)} has {_amount(self.used.of(job.by), passed.word):g}, "
                f"a fair share is {share:.3g}"
            )
        parts.append(self._place(job, turn))
        until = _next_month(now) if passed and passed.word == GPU_HOURS else None
        return over_a_limit("; ".join(parts), until, self._numbers(job, turn, passed, share))

    def _place(self, job: Asking, turn: Turn) -> str:
        many = len(self.jobs)
        if turn.place == 1:
            return f"it is the first of {many} that wait" if many > 1 else "no other job waits for it"
        ahead = f"place {turn.place} of {many} that wait, {turn.own} ahead by {_shown(job.by)}"
        return f"{ahead}; {_shown(self.next)} is next"

    def _numbers(
        self, job: Asking, turn: Turn, passed: Passed | None, share: float | None
    ) -> Mapping[str, object]:
        found: dict[str, object] = {"submitter": _shown(job.by)}
        if passed:
            found |= {
                "of": "submitter" if passed.own else "workspace",
                "limited": passed.word,
                "used": passed.used,
                "limit": passed.limit,
                "submitterUses": _amount(self.used.of(job.by), passed.word),
            }
        if share is not None:
            found["fairShare"] = round(share, 3)
        return found | {"place": turn.place, "waiting": len(self.jobs), "next": _shown(self.next)}


def shared_out(limit: float, wanted: Mapping[str, float]) -> dict[str, float]:
    """`limit` shared evenly among those who want some, nobody more than wanted: what one leaves is the
    others'."""
    found: dict[str, float] = {}
    left = limit
    for many, (by, want) in enumerate(sorted(wanted.items(), key=lambda each: (each[1], each[0]))):
        found[by] = min(float(want), left / (len(wanted) - many))
        left -= found[by]
    return found


def _at_most(want: int, limit: float | None) -> float:
    return want if limit is None else min(want, limit)


def _amount(used: Amount, word: str) -> float:
    return {LIVE_JOBS: used.live_jobs, NODES: used.nodes, GPU_HOURS: used.gpu_hours}[word]


def _shown(by: str) -> str:
    return by or UNKNOWN


def _next_month(now: datetime) -> datetime:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    year, month = divmod(first.month, 12)
    return first.replace(year=first.year + year, month=month + 1)
