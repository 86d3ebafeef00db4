"""The table of gangs: one row for each gang and one for each member, all of a cluster in one partition.

A join and a leave write the gang's row and the member's in one transaction, so that no seat is given twice
and none is taken in a gang that is complete. Rows are merged, so that what a newer version has added stays;
only a later attempt's gang takes the place of an earlier one's (docs/adr/0265).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from shared.errors import ConflictError, LostOwnershipError, NotFoundError, StoreError
from shared.jobs.gang import Gang, Look, Member, Stray
from shared.names.ids import ClusterId
from shared.stores import gang_rows, row_keys
from shared.stores.connection import Connection, translated
from shared.stores.service_time import ServiceTime

TABLE = "gangs"


class GangTable:
    """Rows of gangs and their members. Knows no rule of the protocol."""

    def __init__(self, connection: Connection) -> None:
        self._table = connection.tables.get_table_client(TABLE)

    def look(self, cluster: ClusterId) -> Look:
        """Every gang of a cluster: one call."""
        return self._query(cluster, "PartitionKey eq @partition", {})

    def look_at(self, gang: Gang) -> Look:
        """One gang, whatever its attempt; no gang in it when it is gone: one call."""
        prefix = row_keys.member_prefix(gang.uuid)
        # The SDK puts values in place of whole words: brackets stand apart.
        filters = (
            "PartitionKey eq @partition and ( RowKey eq @row or ( RowKey ge @first and RowKey lt @last ) )"
        )
        values = {"row": gang_rows.gang_key(gang), "first": prefix, "last": row_keys.after(prefix)}
        return self._query(gang.cluster, filters, values)

    def look_at_seats(self, gang: Gang, seats: Iterable[int]) -> Look:
        """As `look_at`, with some of its members only: what a helper needs does not grow with the gang."""
        rows = [gang_rows.gang_key(gang)]
        rows += [row_keys.member_row(gang.uuid, gang.attempt, index) for index in seats]
        values = {f"row{number}": row for number, row in enumerate(rows)}
        either = " or ".join(f"RowKey eq @{name}" for name in values)
        return self._query(gang.cluster, f"PartitionKey eq @partition and ( {either} )", values)

    def _query(self, cluster: ClusterId, filters: str, values: dict[str, Any]) -> Look:
        time = ServiceTime()
        with translated(f"reading the gangs of cluster {cluster}"):
            found = self._table.query_entities(
                filters,
                parameters={"partition": row_keys.cluster_partition(cluster), **values},
                raw_response_hook=time.hook,
            )
            entities = list(found)
        return gang_rows.look_from(cluster, entities, time.now)

    def open(self, gang: Gang, leader: Member) -> Gang:
        """Begin a gang with its leader in it; what is left of earlier attempts is removed.

        Raises LostOwnershipError when a gang of this or a later attempt is there already.
        """
        look = self.look_at(gang)
        first: tuple[Any, ...] = ("create", gang_rows.gang_entity(gang))
        for known in look.gangs:
            if known.attempt >= gang.attempt:
                raise LostOwnershipError(f"attempt {known.attempt} of job {gang.job} has a gang already")
            self._forget(gang, ((known.attempt, member.index) for member in known.members))
            first = ("update", gang_rows.gang_entity(gang), _if_match(known.etag, UpdateMode.REPLACE))
        old = ((s.attempt, s.member.index) for s in look.strays if s.attempt < gang.attempt)
        self._forget(gang, old)
        try:
            etag, of_member = self._commit(gang, [first, ("create", gang_rows.member_entity(gang, leader))])
        except ConflictError as error:
            raise LostOwnershipError(f"the gang of job {gang.job} was opened by somebody else") from error
        return replace(gang, etag=etag, members=(replace(leader, etag=of_member),))

    def join(self, gang: Gang, member: Member) -> Gang:
        """Take a seat. Raises LostOwnershipError when the gang is no longer as it was read, or the seat was
        taken."""
        wanted = replace(gang, taken=gang.taken + 1)
        operations = [
            ("update", gang_rows.gang_entity(wanted), _if_match(gang.etag)),
            ("create", gang_rows.member_entity(gang, member)),
        ]
        try:
            etag, of_member = self._commit(gang, operations)
        except ConflictError as error:
            raise LostOwnershipError(f"seat {member.index} of the gang of job {gang.job} is taken") from error
        members = sorted((*gang.members, replace(member, etag=of_member)), key=lambda each: each.index)
        return replace(wanted, etag=etag, members=tuple(members))

    def free(self, gang: Gang, member: Member) -> Gang:
        """Give a member's seat to somebody else. Raises LostOwnershipError when the gang is no longer as it
        was read, or the member has been heard of since."""
        left = tuple(other for other in gang.members if other.token != member.token)
        wanted = replace(gang, taken=len(left), members=left)
        gone = {
            "PartitionKey": row_keys.cluster_partition(gang.cluster),
            "RowKey": row_keys.member_row(gang.uuid, gang.attempt, member.index),
        }
        operations = [
            ("update", gang_rows.gang_entity(wanted), _if_match(gang.etag)),
            ("delete", gone, {"etag": member.etag, "match_condition": MatchConditions.IfNotModified}),
        ]
        try:
            etag = self._commit(gang, operations)[0]
        except NotFoundError as error:
            raise LostOwnershipError(f"the gang of job {gang.job} has changed meanwhile") from error
        return replace(wanted, etag=etag)

    def write(self, gang: Gang) -> Gang:
        """Write a gang's own row over the one it was read from. Raises LostOwnershipError."""
        try:
            with translated(f"writing the gang of job {gang.job}"):
                answer = self._table.update_entity(gang_rows.gang_entity(gang), **_merged(gang.etag))
        except NotFoundError as error:
            raise LostOwnershipError(f"the gang of job {gang.job} is gone") from error
        return replace(gang, etag=str(answer["etag"]))

    def write_report(self, gang: Gang, member: Member) -> Member:
        """Write a member's row over the one it was read from: its heartbeat. Raises LostOwnershipError."""
        try:
            with translated(f"writing to the gang of job {gang.job}"):
                answer = self._table.update_entity(
                    gang_rows.member_entity(gang, member), **_merged(member.etag)
                )
        except NotFoundError as error:
            raise LostOwnershipError(f"seat {member.index} of the gang of job {gang.job} is gone") from error
        return replace(member, etag=str(answer["etag"]))

    def remove(self, gang: Gang) -> None:
        """Remove the gang of one attempt and its members; nothing happens where it is gone already.

        Raises LostOwnershipError when a later attempt has a gang of its own.
        """
        for _ in range(5):
            look = self.look_at(gang)
            if any(found.attempt != gang.attempt for found in look.gangs):
                raise LostOwnershipError(f"another attempt of job {gang.job} has a gang of its own")
            try:
                # The gang's row first: without it nobody joins, and its members see that it is over.
                for found in look.gangs:
                    self._remove_row(found)
            except LostOwnershipError:
                continue
            members = [(gang.attempt, member.index) for found in look.gangs for member in found.members]
            self._forget(gang, (*members, *((s.attempt, s.member.index) for s in look.strays)))
            return
        raise StoreError(f"the gang of job {gang.job} is being written by others at the same time")

    def _remove_row(self, gang: Gang) -> None:
        with translated(f"removing the gang of job {gang.job}"):
            self._table.delete_entity(
                row_keys.cluster_partition(gang.cluster), gang_rows.gang_key(gang), **_condition(gang.etag)
            )

    def forget(self, cluster: ClusterId, stray: Stray) -> None:
        """Remove a member that has no gang any more."""
        with translated(f"removing a member of a gang of cluster {cluster}"):
            row = row_keys.member_row(stray.uuid, stray.attempt, stray.member.index)
            self._table.delete_entity(row_keys.cluster_partition(cluster), row)

    def _forget(self, gang: Gang, seats: Iterable[tuple[int, int]]) -> None:
        """Remove the rows of (attempt, index); missing ones are fine."""
        partition = row_keys.cluster_partition(gang.cluster)
        with translated(f"removing the gang of job {gang.job}"):
            for attempt, index in seats:
                self._table.delete_entity(partition, row_keys.member_row(gang.uuid, attempt, index))

    def _commit(self, gang: Gang, operations: list[tuple[Any, ...]]) -> list[str]:
        """Run the operations as one transaction; the etags of what they wrote."""
        with translated(f"writing the gang of job {gang.job}"):
            # Not repeated by the SDK: a repetition whose first answer was lost would look like a seat taken
            # by somebody else. Who asked looks again and finds its token.
            answers = self._table.submit_transaction(operations)
        return [str(answer.get("etag", "")) for answer in answers]


def _condition(etag: str) -> dict[str, Any]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _if_match(etag: str, mode: UpdateMode = UpdateMode.MERGE) -> dict[str, Any]:
    return {"mode": mode, **_condition(etag)}


def _merged(etag: str) -> dict[str, Any]:
    """Outside of a transaction. A repetition is harmless there, and unasked the SDK repeats no PATCH."""
    return {**_if_match(etag), "retry_on_methods": ["PATCH"]}
