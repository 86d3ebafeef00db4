"""Gangs: the gate to the nodes that come together for jobs with nodeCount > 1.

The leader opens a gang, moves it from phase to phase and removes it; helpers join, leave and report. What all
of them read is judged by the functions of shared/jobs/gang.py.
"""

import logging
import random
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from shared.errors import StoreError
from shared.jobs import gang as rules
from shared.jobs.gang import Gang, Look, Member, Phase, Stray
from shared.jobs.model import Job
from shared.managers.cluster_reader import ClusterReader
from shared.managers.conflict_retry import ContendedError, overtaken_by, until_written
from shared.names.ids import ClusterId
from shared.settings import Settings
from shared.stores.gang_table import GangTable
from shared.stores.job_queues import JobQueues

log = logging.getLogger(__name__)

Seat = TypeVar("Seat")

#: Members that join at the same time get in each other's way; each round lets one of them through.
_TRIES = 30
#: A large gang is asked for in portions, one every few seconds.
_MOST_HINTS = 20


class Gangs:
    """Keeps nothing between calls; safe to use from several threads."""

    def __init__(
        self,
        settings: Settings,
        table: GangTable,
        clusters: ClusterReader,
        queues: JobQueues,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.silence_seconds = settings.gang_silence_seconds
        self._table = table
        self._clusters = clusters
        self._queues = queues
        self._sleep = sleep

    def to_help(self, cluster: ClusterId, before: tuple[int, datetime, str] | None = None) -> Gang | None:
        """The gang that a free node should help; `before`: only one that comes before this rank."""
        return rules.oldest_lacking(self._table.look(cluster), self.silence_seconds, before)

    def usable_nodes(self, cluster: ClusterId) -> int:
        """How many nodes a gang could have at best."""
        views = self._clusters.node_views(cluster)
        return sum(
            view.alive and not view.standby and view.state not in ("unusable", "leaving") for view in views
        )

    def of_job(self, job: Job) -> Gang | None:
        """The gang of a job's current attempt."""
        return self._table.look(job.cluster).find(job.uuid, job.attempt)

    def open(self, job: Job, leader: Member) -> Gang:
        """Begin the gang of a job's attempt with its leader. Raises LostOwnershipError, StoreError."""
        gang = Gang(
            cluster=job.cluster,
            job=job.id,
            uuid=job.uuid,
            attempt=job.attempt,
            priority=job.priority,
            created=job.created,
            size=job.node_count,
        )
        return self._table.open(gang, leader)

    def ask(self, gang: Gang, seconds: float) -> None:
        """Send a hint for each node the gang lacks, up to a number; they are good for `seconds`."""
        self._queues.send_hints(gang.cluster, min(gang.lacking, _MOST_HINTS), seconds)

    def join(self, gang: Gang, member: Member) -> Gang | None:
        """Take a free seat, whatever the index in `member`; the gang as it is then, or None when it lacks
        nobody any more. Raises StoreError."""

        def take() -> Gang | None:
            found = self._table.look_at(gang).find(gang.uuid, gang.attempt)
            if found is None:
                return None
            if found.member(member.token):
                return found  # only the answer was lost
            if not found.lacking:
                return None
            with overtaken_by():
                return self._table.join(found, replace(member, index=found.free_index()))

        return self._contended(take, None)

    def leave(self, gang: Gang, token: str) -> bool:
        """Give a seat up while the gang assembles; False when it does not any more. Raises StoreError."""

        def free() -> bool:
            found = self._table.look_at(gang).find(gang.uuid, gang.attempt)
            member = found.member(token) if found else None
            if found is None or member is None:
                return True
            if found.phase is not Phase.ASSEMBLING:
                return False
            with overtaken_by():
                self._table.free(found, member)
            return True

        return self._contended(free, False)

    def _contended(self, turn: Callable[[], Seat], otherwise: Seat) -> Seat:
        """What a turn gives; `otherwise` when others were faster each time."""
        try:
            return until_written(turn, "the gang", _TRIES, lambda: self._sleep(random.uniform(0.0, 0.1)))
        except ContendedError:
            return otherwise

    def look_at(self, gang: Gang) -> Look:
        """One gang, whatever its attempt; no gang in it when it is gone: one call."""
        return self._table.look_at(gang)

    def look_at_seats(self, gang: Gang, seats: Iterable[int]) -> Look:
        """As `look_at`, with some of its members only: what a helper needs does not grow with the gang."""
        return self._table.look_at_seats(gang, seats)

    def write(self, gang: Gang) -> Gang:
        """Write a gang's own row, as its leader. Raises LostOwnershipError."""
        return self._table.write(gang)

    def report(self, gang: Gang, member: Member) -> Member:
        """Write a member's own row: its heartbeat. Raises LostOwnershipError."""
        return self._table.write_report(gang, member)

    def free(self, gang: Gang, member: Member) -> Gang:
        """Give a silent member's seat to somebody else. Raises LostOwnershipError when the gang is not
        as it was read, or the member was heard of since."""
        return self._table.free(gang, member)

    def remove(self, gang: Gang) -> None:
        """Remove the gang of one attempt and its members. Raises LostOwnershipError when a later attempt has
        a gang of its own."""
        self._table.remove(gang)

    def sweep(self, cluster: ClusterId, is_over: Callable[[Gang], bool]) -> tuple[int, int]:
        """Remove what nobody looks after: gangs whose leader is silent and whose attempt `is_over`, members
        without a gang. How many gangs went, and how many hints may lie about for those that stay."""
        look = self._table.look(cluster)
        left = [g for g in look.gangs if not rules.is_led(g, look.at, self.silence_seconds)]
        over = [gang for gang in left if is_over(gang)]
        for gang in over:
            self._remove(gang)
        for stray in look.strays:
            if rules.is_silent(stray.member, look.at, self.silence_seconds):
                self._forget(cluster, stray)
        return len(over), rules.hints(gang for gang in look.gangs if gang not in over)

    def _remove(self, gang: Gang) -> None:
        try:
            self._table.remove(gang)
        except StoreError as error:
            log.warning("gang not removed: %s", error, extra={"action": "sweep_gang", "job": str(gang.job)})

    def _forget(self, cluster: ClusterId, stray: Stray) -> None:
        try:
            self._table.forget(cluster, stray)
        except StoreError as error:
            log.warning("member not removed: %s", error, extra={"action": "sweep_gang", "uuid": stray.uuid})


def new_token() -> str:
    """What distinguishes one joining of a node from every other."""
    return uuid.uuid4().hex
