"""Whatever texts reach a row, it can be written and read again: job, cluster, node, workspace and gang."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.errors import ConflictError
from shared.jobs import transitions
from shared.jobs.events import MOST_EVENTS, EventKind, JobEvent
from shared.jobs.gang import Gang, Member
from shared.jobs.model import AttemptReport, Job, Outcome, Reason, StreamSeal
from shared.managers.cluster_manager import MOST_GUESTS, _with_guest
from shared.managers.conflict_retry import arrived
from shared.names import table_limits
from shared.names.ids import ClusterId
from shared.stores.cluster_table import ClusterRow, ClusterTable
from shared.stores.connection import Connection
from shared.stores.gang_table import GangTable
from shared.stores.job_table import JobTable
from shared.stores.node_table import NodeRow, NodeTable
from shared.stores.workspace_table import Kind, Row, WorkspaceTable
from tests.support.jobs import a_job
from tests.support.world import settings_for

NOW = datetime(2025, 1, 1, tzinfo=UTC)
#: One character of each cost: one unit, two, six as JSON escapes it, half of a pair.
_CHARACTERS = ["x", "é", "😀", "\u0001", "\0", '"', "\\", "\n", "\ud83d", "\uffff", "\u2028"]
hostile = st.builds(
    lambda parts, times: ("".join(parts) * times)[:70_000],
    st.lists(st.sampled_from(_CHARACTERS), max_size=4),
    st.sampled_from([1, 200, 6_000, 33_000, 70_000]),
)
few = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
WORST = "\u0001" * 70_000


@pytest.fixture(scope="module")
def connection(installation: str) -> Iterator[Connection]:
    made = Connection(settings_for(installation))
    yield made
    made.close()


def _claimed(connection: Connection, properties: str = "{}") -> tuple[JobTable, Job]:
    """A job of a new workspace that a runner has claimed."""
    table, name = JobTable(connection), uuid.uuid4().hex
    job = a_job(uuid=name, properties=properties)
    job = replace(job, id=replace(job.id, workspace=name))
    return table, table.update(transitions.claim(table.insert(job), "node-0", "message", NOW))


@few
@given(hostile, hostile, hostile, st.integers(0, 12))
@example(WORST, WORST, WORST, 12)
@example("é" * 6_000, "", "", 0)
def test_a_job_ends_whatever_it_says(
    connection: Connection, message: str, detail: str, node: str, number: int
) -> None:
    table, job = _claimed(connection)
    outcome = Outcome(Reason.JOB_FAILED, 1, message, tuple((detail, detail) for _ in range(number)))
    events = tuple(JobEvent(NOW, EventKind.STARTED, 1, node, detail) for _ in range(5 * number))
    seals = tuple(StreamSeal(f"stdout-{n}.txt", 2**60, "f" * 64, True, 2**50) for n in range(30 * number))
    table.end(transitions.finish(job, outcome, NOW, AttemptReport(seals, events, 1.5)))
    found = table.get(job.id)
    assert found is not None
    (error,) = found.errors
    assert (found.exit_code, error.code) == (1, "JobFailed")
    assert table_limits.clean(message).startswith(error.message.removesuffix("…"))
    assert [event.kind for event in found.events][-1] is EventKind.ENDED
    assert len(found.events) == min(MOST_EVENTS, 2 + len(events))
    assert found.seals == seals[len(seals) - len(found.seals) :]
    assert len(found.seals) >= min(len(seals), 150)


@few
@given(hostile)
@example("é" * 33_000)
def test_what_was_ended_is_recognised_when_only_the_answer_was_lost(
    connection: Connection, text: str
) -> None:
    table, job = _claimed(connection)
    wanted = transitions.finish(job, Outcome(Reason.JOB_FAILED, 1, text, ((text, text),) * 9), NOW)
    table.end(wanted)
    found = table.get(job.id)
    assert found is not None
    assert arrived(replace(found, age_seconds=0), replace(wanted, stored_as=found.stored_as))


@few
@given(hostile, hostile)
@example("é" * 115_000, WORST)
@example("x" * 349_000, WORST)
def test_a_document_that_is_accepted_is_kept_to_the_end(
    connection: Connection, text: str, message: str
) -> None:
    properties = table_limits.written({"a": text})
    if table_limits.size_fault(properties):
        return
    table, job = _claimed(connection, properties)
    events = tuple(JobEvent(NOW, EventKind.STARTED, 1, message, message) for _ in range(60))
    seals = tuple(StreamSeal(f"stdout-{n}.txt", 2**60, "f" * 64, True, 2**50) for n in range(180))
    outcome = Outcome(Reason.JOB_FAILED, 1, message, ((message, message),) * 8)
    job = replace(job, problems="x" * table_limits.MOST_PROBLEMS)
    table.end(transitions.finish(job, outcome, NOW, AttemptReport(seals, events)))
    found = table.get(job.id)
    assert found is not None
    assert found.properties == properties


@few
@given(hostile, st.lists(st.sampled_from("abc"), max_size=3))
@example("é" * 115_000, ["g"] * MOST_GUESTS)
@example("x" * 349_000, ["g"] * MOST_GUESTS)
def test_a_cluster(connection: Connection, text: str, guests: list[str]) -> None:
    properties = table_limits.written({"a": text})
    if table_limits.size_fault(properties):
        return
    table, cluster = ClusterTable(connection), ClusterId(uuid.uuid4().hex, "c")
    names = tuple(f"{name}{number:062}" for number, name in enumerate(guests))
    table.put(ClusterRow(cluster, "revision", NOW, properties, names))
    found = table.get(cluster)
    assert found is not None
    assert (found.properties, found.guests) == (properties, names)
    table.delete(cluster)


@few
@given(hostile)
@example(WORST)
def test_a_node(connection: Connection, text: str) -> None:
    table, cluster = NodeTable(connection), ClusterId(uuid.uuid4().hex, "c")
    table.report(NodeRow(cluster, "node-0", "unusable", 1, text, text, text, text))
    ((found,), _) = table.nodes(cluster)
    assert table_limits.clean(text).startswith(found.detail.removesuffix("…"))
    assert found.state == "unusable"


@few
@given(hostile)
@example("é")
@example("😀")
@example("\u0001")
def test_a_workspace_with_every_tag_that_is_allowed(connection: Connection, text: str) -> None:
    table, name = WorkspaceTable(connection), uuid.uuid4().hex
    long = (text[:512] * 512)[:510]
    tags = {f"{n:02}{long}": long[:256] for n in range(50)}
    table.insert(Row(Kind.WORKSPACE, name, name, NOW, {"location": "local", "tags": tags}))
    found = table.get(Kind.WORKSPACE, name, name)
    assert found is not None
    assert found.detail["tags"] == {table_limits.clean(k): table_limits.clean(v) for k, v in tags.items()}


@few
@given(hostile, st.integers(0, 12))
@example(WORST, 12)
def test_a_gang(connection: Connection, text: str, number: int) -> None:
    table, cluster = GangTable(connection), ClusterId(uuid.uuid4().hex, "c")
    job = a_job(uuid=uuid.uuid4().hex)
    gang = Gang(cluster, job.id, job.uuid, 1, "normal", NOW, 2)
    seals = tuple(StreamSeal(f"stdout-{n}.txt", 2**60, "f" * 64, True, 2**50) for n in range(30 * number))
    events = tuple(JobEvent(NOW, EventKind.STARTED, 1, text, text) for _ in range(5 * number))
    fault = Outcome(Reason.JOB_FAILED, 3, text, ((text, text),) * number, True)
    member = Member(0, "node-0", "127.0.0.1", 1, "token", leaving=text, fault=fault)
    opened = table.open(gang, replace(member, report=AttemptReport(seals, events, 2.5)))
    table.write_report(opened, opened.members[0])
    found = table.look_at(gang).gangs[0].members[0]
    assert found.fault is not None and found.report is not None
    assert (found.fault.reason, found.fault.exit_code, found.fault.transient) == (Reason.JOB_FAILED, 3, True)
    assert table_limits.clean(text).startswith(found.fault.message.removesuffix("…"))
    assert found.report.gpu_seconds == 2.5
    assert len(found.report.events) == min(20, len(events))
    assert seals[len(seals) - len(found.report.seals) :] == found.report.seals


def test_a_cluster_takes_no_more_workspaces_than_fit_its_row(connection: Connection) -> None:
    guests = tuple(f"g{number}" for number in range(MOST_GUESTS))
    row = ClusterRow(ClusterId("w", "c"), "r", NOW, guests=guests)
    assert _with_guest(row, "g7") == row
    with pytest.raises(ConflictError, match="runs jobs of 2,000 other workspaces already"):
        _with_guest(row, "new")
