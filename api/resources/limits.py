"""What is used of limits, as JSON (ours). PURE."""

from typing import Any

from shared.jobs.fair_share import Shares
from shared.names.limits import ANYBODY, GPU_HOURS, LIVE_JOBS, NODES

WORKSPACE, SUBMITTER = "workspace", "submitter"


def names_of(shares: Shares) -> list[str]:
    """The submitters to show, sorted: who has jobs that live or had GPU hours this month, who has limits of
    their own, and "*" where everybody has."""
    known = {name: name.lower() for name in (*shares.used.by, *shares.waiting) if name}
    limited = set(shares.limits.submitters) - set(known.values())
    return sorted({*known, *limited})


def used_of(shares: Shares, of: str, name: str) -> dict[str, Any]:
    """The line of a workspace or a submitter. GPU hours only where they are limited anywhere: they are not
    counted otherwise."""
    workspace = of == WORKSPACE
    used = shares.used.total if workspace else shares.used.of(name)
    limit = shares.limits.of_workspace(name) if workspace else shares.limits.of_submitter(name)
    line: dict[str, Any] = {
        "of": of,
        "name": name,
        LIVE_JOBS: _amount(used.live_jobs, limit.live_jobs),
        NODES: _amount(used.nodes, limit.nodes),
    }
    if shares.limits.by_month:
        line[GPU_HOURS] = _amount(round(used.gpu_hours, 4), limit.gpu_hours)
    line["waiting"] = shares.waiting.total() if workspace else shares.waiting[name]
    if not workspace and name != ANYBODY and (fair := _fair(shares, name)):
        line["fairShare"] = fair
    return line


def _amount(used: float, limit: float | None) -> dict[str, float]:
    return {"used": used} if limit is None else {"used": used, "limit": limit}


def _fair(shares: Shares, name: str) -> dict[str, float]:
    """Of what is limited for the workspace, while somebody waits."""
    if not shares.jobs:
        return {}
    found = {word: shares.fair(name, word) for word in (LIVE_JOBS, NODES)}
    return {word: round(share, 3) for word, share in found.items() if share is not None}
