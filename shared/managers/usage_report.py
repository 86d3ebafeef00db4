"""UsageReport: what the jobs of a workspace and its clusters have used. Reads only."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.jobs.model import Job
from shared.jobs.usage import Use, attempts_of, seconds_since, used, with_idle
from shared.managers.cluster_reader import ClusterReader
from shared.managers.jobs_since import jobs_since
from shared.managers.scaler import Scaler
from shared.managers.workspace_manager import WorkspaceManager
from shared.names.node_prices import NodePrices
from shared.names.submitters import UNKNOWN
from shared.stores.cluster_table import ClusterRow
from shared.stores.job_lists import JobLists


@dataclass(frozen=True)
class UsageReport:
    """Looks at everything anew: for a report now and then, not for a monitor."""

    prices: NodePrices
    lists: JobLists
    workspaces: WorkspaceManager
    clusters: ClusterReader
    scaler: Scaler
    now: Callable[[], datetime]

    def of(self, workspace: str, by: str, since: datetime) -> list[Use]:
        """Uses of the jobs that were created since, one for each of what `by` (usage.BY) says. The latest run
        of each name counts.

        Jobs that were sent to clusters of other workspaces are shown with those names. Idle time is that of
        clusters of this workspace whose machines come and go: of others nobody knows when they are switched
        off. Raises NotFoundError, StoreError.
        """
        row = self.workspaces.workspace(workspace)
        now, jobs = self.now(), list(jobs_since(self.lists, self.workspaces, row.name, since))
        prices: dict[str, float | None] = {}
        for key in {str(job.cluster): job.cluster for job in jobs}.values():
            found = self.clusters.find(key)
            prices[str(key)] = self._price(found) if found else None
        priced = [(job, prices[str(job.cluster)]) for job in jobs]
        if by == "attempt":
            return [use for job, price in priced for use in _attempts(job, price, now)]
        groups: dict[str, list[tuple[Job, float | None]]] = {}
        for job, price in priced:
            groups.setdefault(_name(job, by), []).append((job, price))
        uses = {name: used(name, group, now) for name, group in groups.items()}
        if by == "cluster":
            self._add_idle(workspace, uses, since, now)
        return [uses[name] for name in sorted(uses)]

    def _add_idle(self, workspace: str, uses: dict[str, Use], since: datetime, now: datetime) -> None:
        for row in self.clusters.list_workspace(workspace):
            state = self.scaler.state(row.id)
            if state is None:
                continue
            alive = sum((now - max(known.since, since)).total_seconds() for known in state.machines)
            gone = seconds_since(state.spent, since)
            name = str(row.id)
            uses[name] = with_idle(uses.get(name, Use(name, cost=0.0)), alive + gone, self._price(row))

    def _price(self, row: ClusterRow) -> float | None:
        properties = json.loads(row.properties)
        size, priority = properties.get("vmSize") or "", properties.get("vmPriority") or "dedicated"
        return self.prices.an_hour(str(size), str(priority))


def _name(job: Job, by: str) -> str:
    names = {"job": str(job.id), "experiment": job.id.experiment, "cluster": str(job.cluster)}
    return (names | {"user": job.submitted_by or UNKNOWN})[by]


def _attempts(job: Job, price: float | None, now: datetime) -> list[Use]:
    def cost(seconds: float) -> float | None:
        return None if price is None else seconds / 3600 * price

    return [
        Use(f"{job.id} attempt {use.attempt}", 1, 1, use.node_seconds, 0.0, None, cost(use.node_seconds))
        for use in attempts_of(job, now)
    ]
