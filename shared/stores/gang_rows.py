"""Gangs and their members as table entities and back."""

import functools
import json
from datetime import datetime
from typing import Any

from shared.jobs.gang import Ending, Gang, Look, Member, Phase, Step, Stray
from shared.jobs.model import AttemptReport, Outcome, Reason
from shared.names import table_limits
from shared.names.ids import ClusterId, JobId
from shared.stores import job_rows, row_keys
from shared.stores.unreadable_rows import readable, readables

#: UTF-16 units of a report's seals and of its latest events, and how many events: together they fit a column.
_MOST_SEALS, _MOST_EVENTS, _LATEST = 20_000, 8_000, 20
#: Details of a fault.
_MOST_DETAILS = 8


def gang_key(gang: Gang) -> str:
    """Row key of a gang; the same for every attempt."""
    return row_keys.gang_row(gang.priority, gang.created, gang.uuid)


def gang_entity(gang: Gang) -> dict[str, Any]:
    """The columns of a gang's own row."""
    return {
        "PartitionKey": row_keys.cluster_partition(gang.cluster),
        "RowKey": gang_key(gang),
        "Workspace": gang.job.workspace,
        "Experiment": gang.job.experiment,
        "Job": gang.job.job,
        "Uuid": gang.uuid,
        "Attempt": gang.attempt,
        "Priority": gang.priority,
        "Created": gang.created,
        "Size": gang.size,
        "Taken": gang.taken,
        "Phase": str(gang.phase),
        "Ending": str(gang.ending or ""),
    }


def member_entity(gang: Gang, member: Member) -> dict[str, Any]:
    """The columns of a member's row."""
    entity = {
        "PartitionKey": row_keys.cluster_partition(gang.cluster),
        "RowKey": row_keys.member_row(gang.uuid, gang.attempt, member.index),
        "Uuid": gang.uuid,
        "Attempt": gang.attempt,
        "Index": member.index,
        "NodeId": member.node_id,
        "Address": member.address,
        "Gpus": member.gpus,
        "Token": member.token,
        "Access": member.access,
        "Ports": json.dumps(member.ports),
        "Step": str(member.step),
        "Fault": _fault_text(member.fault),
        "Leaving": member.leaving,
        "Report": _report_text(member.report),
        "Idle": member.idle,
    }
    return table_limits.fitted(entity)


def look_from(cluster: ClusterId, entities: list[Any], at: datetime) -> Look:
    """What rows of one partition, gangs and members in any order, say; `at` is the time of the answer."""
    members = list(readables((e for e in entities if e["RowKey"].startswith("member|")), _stray))
    gangs: list[Gang] = []
    led = set()
    for entity in entities:
        if entity["RowKey"].startswith("gang|"):
            key = (entity["Uuid"], entity["Attempt"])
            led.add(key)
            own = (each.member for each in members if (each.uuid, each.attempt) == key)
            seated = tuple(sorted(own, key=lambda member: member.index))
            gangs += readables([entity], functools.partial(_gang, cluster, seated))
    strays = tuple(each for each in members if (each.uuid, each.attempt) not in led)
    return Look(tuple(gangs), at, strays)


def _gang(cluster: ClusterId, members: tuple[Member, ...], entity: Any) -> Gang:
    with readable(entity):
        return _gang_from(cluster, entity, members)


def _gang_from(cluster: ClusterId, entity: Any, members: tuple[Member, ...]) -> Gang:
    return Gang(
        cluster=cluster,
        job=JobId(entity["Workspace"], entity["Experiment"], entity["Job"]),
        uuid=entity["Uuid"],
        attempt=entity["Attempt"],
        priority=entity["Priority"],
        created=job_rows.utc(entity["Created"]),
        size=entity["Size"],
        taken=entity["Taken"],
        phase=Phase(entity["Phase"]),
        ending=Ending(entity["Ending"]) if entity["Ending"] else None,
        members=members,
        etag=str(entity.metadata["etag"]),
    )


def _stray(entity: Any) -> Stray:
    with readable(entity):
        return Stray(entity["Uuid"], entity["Attempt"], _member(entity))


def _member(entity: Any) -> Member:
    return Member(
        index=entity["Index"],
        node_id=entity["NodeId"],
        address=entity["Address"],
        gpus=entity["Gpus"],
        token=entity["Token"],
        access=entity["Access"],
        ports=tuple(json.loads(entity["Ports"])),
        step=Step(entity["Step"]),
        fault=_fault(entity["Fault"]),
        leaving=entity["Leaving"],
        report=_report(entity["Report"]),
        idle=bool(entity.get("Idle", False)),
        heard=job_rows.utc(entity.metadata["timestamp"]),
        etag=str(entity.metadata["etag"]),
    )


def _fault_text(fault: Outcome | None) -> str:
    if fault is None:
        return ""
    details = fault.details[:_MOST_DETAILS]
    values = [fault.reason, fault.exit_code, fault.message, details, fault.transient]
    return table_limits.listed(values, table_limits.MOST_ERRORS) or ""


def _fault(text: str) -> Outcome | None:
    if not text:
        return None
    reason, code, message, details, transient = json.loads(text)
    pairs = tuple((name, value) for name, value in details)
    return Outcome(Reason(reason), code, message, pairs, transient)


def _report_text(report: AttemptReport | None) -> str:
    if report is None:
        return ""
    seals = table_limits.newest(job_rows.seal_values(report.seals), _MOST_SEALS) or "[]"
    events = table_limits.listed(job_rows.event_values(report.events[-_LATEST:]), _MOST_EVENTS) or "[]"
    return f"[{seals},{events},{json.dumps(report.gpu_seconds)}]"


def _report(text: str) -> AttemptReport | None:
    if not text:
        return None
    seals, events, gpu_seconds = json.loads(text)
    return AttemptReport(job_rows.seals_from(seals), job_rows.events_from(events), gpu_seconds)
