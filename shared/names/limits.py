"""What workspaces and submitters may use at a time and in a month, as the operator says. PURE."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

EXPECTED = (
    '{"over": "wait", "workspaces": {"*": {"nodes": 20, "gpuHours": 1000}}, '
    '"submitters": {"*": {"liveJobs": 50}, "ada@example.com": {"liveJobs": 200}}}'
)
WAIT, REFUSE = "wait", "refuse"
#: For whom there is no line of its own.
ANYBODY = "*"
#: What is limited, as the setting calls it, in the order of Limit's members.
LIVE_JOBS, NODES, GPU_HOURS = WORDS = ("liveJobs", "nodes", "gpuHours")
_MOST = 1e9


@dataclass(frozen=True)
class Limit:
    """The most of each; None: any number. `gpu_hours`: in a calendar month, UTC."""

    live_jobs: float | None = None
    nodes: float | None = None
    gpu_hours: float | None = None


UNLIMITED = Limit()


@dataclass(frozen=True)
class Limits:
    """Names are compared case aside. A line of its own replaces that of "*" whole."""

    over: str = REFUSE  #: what becomes of a job that is over: WAIT or REFUSE
    workspaces: Mapping[str, Limit] = field(default_factory=dict, hash=False)
    submitters: Mapping[str, Limit] = field(default_factory=dict, hash=False)  #: in each workspace

    @property
    def any(self) -> bool:
        """Whether anything is limited."""
        return bool(self.workspaces or self.submitters)

    def of_workspace(self, name: str) -> Limit:
        return _line(self.workspaces, name)

    def of_submitter(self, name: str) -> Limit:
        return _line(self.submitters, name)

    @property
    def by_month(self) -> bool:
        """Whether GPU hours are limited anywhere: they cost more to count."""
        lines = (*self.workspaces.values(), *self.submitters.values())
        return any(line.gpu_hours is not None for line in lines)


NO_LIMITS = Limits()


def limits_from(text: str) -> Limits:
    """Limits of a setting; "" has none. Raises ValueError for what is no such JSON."""
    if not text:
        return NO_LIMITS
    raw = json.loads(text)
    if not isinstance(raw, dict) or not set(raw) <= {"over", "workspaces", "submitters"}:
        raise ValueError("an object with over, workspaces and submitters is expected")
    over = raw.get("over", REFUSE)
    if over not in (WAIT, REFUSE):
        raise ValueError(f"over is '{over}'; it must be {WAIT} or {REFUSE}")
    return Limits(over, _lines(raw, "workspaces"), _lines(raw, "submitters"))


def _lines(raw: Mapping[str, object], member: str) -> dict[str, Limit]:
    lines = raw.get(member, {})
    if not isinstance(lines, dict):
        raise ValueError(f"{member} must be an object of names")
    return {name.lower(): _limit(f"{member}.{name}", values) for name, values in lines.items()}


def _limit(where: str, values: object) -> Limit:
    if not isinstance(values, dict) or not set(values) <= set(WORDS):
        raise ValueError(f"{where} must be an object of {', '.join(WORDS)}")
    for word, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _MOST:
            raise ValueError(f"{where}.{word} must be a number of at least 0")
    return Limit(*(values.get(word) for word in WORDS))


def _line(lines: Mapping[str, Limit], name: str) -> Limit:
    return lines.get(name.lower()) or lines.get(ANYBODY) or UNLIMITED
