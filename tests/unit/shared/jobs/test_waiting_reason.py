import re
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.jobs import transitions
from shared.jobs.growth import Growth
from shared.jobs.model import Outcome, Reason, State
from shared.jobs.queue_order import QueuedEntry, QueueOrder
from shared.jobs.waiting_reason import NodeView, WaitingReason, is_alive, why
from tests.support.jobs import CREATED, a_job, after, in_state

RUN = "make runner CLUSTER={cluster}"
IDLE, BUSY = NodeView("n0", "idle", True), NodeView("n1", "running", True)
SILENT = NodeView("n2", "idle", False)
BROKEN = NodeView("n3", "unusable", True, "cluster volumes: no such share")


@pytest.mark.parametrize("other", [s for s in State if s is not State.QUEUED])
def test_only_queued_jobs_wait(other: State) -> None:
    assert why(in_state(other), QueueOrder([]), [IDLE], RUN) is None


@pytest.mark.parametrize(
    ("nodes", "reason", "words"),
    [
        ([], WaitingReason.NO_NODE_ALIVE, "no node of cluster workspace/cluster is alive"),
        ([SILENT], WaitingReason.NO_NODE_ALIVE, "1 known, all silent"),
        ([BROKEN, SILENT], WaitingReason.NODES_UNUSABLE, "n3: cluster volumes: no such share"),
        ([BUSY, BROKEN], WaitingReason.WAITING_FOR_NODE, "position 1 in the queue.*0 of 1 nodes idle"),
        ([BUSY, IDLE], WaitingReason.WAITING_FOR_NODE, "1 of 2 nodes idle"),
    ],
)
def test_reasons_by_nodes(nodes: list[NodeView], reason: WaitingReason, words: str) -> None:
    waiting = why(a_job(), QueueOrder([]), nodes, RUN)
    assert waiting is not None
    assert waiting.reason is reason
    assert re.search(words, waiting.message)
    assert waiting.next_step
    assert set(waiting.as_json()) == {"reason", "message", "next"}


def test_a_gang_larger_than_the_cluster() -> None:
    waiting = why(a_job(node_count=3), QueueOrder([]), [IDLE, BUSY], RUN)
    assert waiting is not None
    assert waiting.reason is WaitingReason.GANG_TOO_LARGE


@pytest.mark.parametrize(
    ("most", "needed", "reason", "words", "next_step"),
    [
        (0, 1, WaitingReason.SCALED_TO_ZERO, "is scaled to 0 nodes", "resize -w workspace -n cluster -t 1"),
        (1, 3, WaitingReason.GANG_TOO_LARGE, "needs 3 nodes and cluster .* is scaled to 1", "-t 3"),
    ],
)
def test_a_cluster_that_may_not_have_the_nodes(
    most: int, needed: int, reason: WaitingReason, words: str, next_step: str
) -> None:
    waiting = why(
        a_job(node_count=needed), QueueOrder([]), [replace(IDLE, standby="requeue")], RUN, most=most
    )
    assert waiting is not None
    assert waiting.reason is reason
    assert re.search(words, waiting.message)
    assert next_step in waiting.next_step


GROWING = Growth(wanted=3, lacking=2, asked_seconds=95.0, usual_seconds=250.0, usual_of=5)


@pytest.mark.parametrize(
    ("growth", "reason", "words", "next_step"),
    [
        (
            GROWING,
            WaitingReason.CLUSTER_GROWING,
            "2 of 3 machines were asked for 95 s ago; the last five took 4 min 10 s",
            "Nothing to do",
        ),
        (replace(GROWING, asked_seconds=0, usual_of=0), WaitingReason.CLUSTER_GROWING, "just now", "Nothing"),
        (replace(GROWING, lacking=0), WaitingReason.CLUSTER_GROWING, "has no node now", "within a minute"),
        (
            replace(GROWING, refused="results in exceeding approved Cores quota", code="OperationNotAllowed"),
            WaitingReason.CLUSTER_CANNOT_GROW,
            "gets no more machines .2 are lacking.: results in exceeding",
            "more quota",
        ),
        (
            replace(GROWING, refused="not available in location", code="SkuNotAvailable"),
            WaitingReason.CLUSTER_CANNOT_GROW,
            "not available",
            "list-skus",
        ),
        (
            replace(GROWING, refused="does not have authorization", code="AuthorizationFailed"),
            WaitingReason.CLUSTER_CANNOT_GROW,
            "authorization",
            "Virtual Machine Contributor",
        ),
        (
            replace(GROWING, late="pool_1", late_seconds=500, replaced_seconds=900, group="rg"),
            WaitingReason.NODE_DOES_NOT_START,
            "pool_1 of cluster .* 8 min 20 s ago and has not become a node; it is replaced 15 min after",
            "get-boot-log -g rg -n pool_1",
        ),
    ],
)
def test_a_job_that_waits_for_machines(
    growth: Growth, reason: WaitingReason, words: str, next_step: str
) -> None:
    waiting = why(a_job(), QueueOrder([]), [], RUN, most=3, growth=growth)
    assert waiting is not None
    assert waiting.reason is reason
    assert re.search(words, waiting.message)
    assert next_step in waiting.next_step


def test_while_a_node_is_idle_no_machine_is_waited_for() -> None:
    waiting = why(a_job(), QueueOrder([]), [IDLE], RUN, most=3, growth=GROWING)
    assert waiting is not None
    assert waiting.reason is WaitingReason.WAITING_FOR_NODE
    gang = why(a_job(node_count=2), QueueOrder([]), [IDLE], RUN, most=3, growth=GROWING)
    assert gang is not None
    assert gang.reason is WaitingReason.CLUSTER_GROWING


def test_that_time_passes_is_no_news() -> None:
    first, later, other = (
        why(a_job(), QueueOrder([]), [], RUN, most=3, growth=growth)
        for growth in (GROWING, replace(GROWING, asked_seconds=155.0), replace(GROWING, lacking=1))
    )
    assert first and later and other
    assert first != later and later.says_the_same(first)
    assert not other.says_the_same(first)


def test_nodes_that_stand_by_are_not_waited_for() -> None:
    waiting = why(a_job(), QueueOrder([]), [BUSY, replace(IDLE, standby="requeue")], RUN, most=1)
    assert waiting is not None
    assert "0 of 1 nodes idle" in waiting.message


def test_a_job_that_is_tried_again_says_what_happened() -> None:
    job = transitions.requeue(in_state(State.RUNNING), Outcome(Reason.RUNNER_LOST), after(9))
    waiting = why(job, QueueOrder([]), [IDLE], RUN)
    assert waiting is not None
    assert waiting.reason is WaitingReason.RETRY_BACKOFF
    assert "RunnerLost" in waiting.message


@pytest.mark.parametrize(
    ("priority", "position"),
    [("high", 2), ("normal", 4), ("low", 6)],
)
def test_positions_by_priority_and_age(priority: str, position: int) -> None:
    def entry(name: str, its: str, seconds: int, how: State = State.QUEUED) -> QueuedEntry:
        return QueuedEntry(name, how, its, 1, after(seconds))

    others = [
        entry("a", "high", -9),
        entry("b", "high", 9),
        entry("c", "normal", -9),
        entry("d", "normal", 9),
        entry("e", "low", -9),
        entry("f", "high", -9, State.RUNNING),
    ]
    job = a_job(priority=priority)
    mine = QueuedEntry(job.uuid, State.QUEUED, priority, 1, job.created)
    waiting = why(job, QueueOrder([*others, mine]), [BUSY], RUN)
    assert waiting is not None
    assert f"position {position} " in waiting.message


def _ahead(nodes: int, seconds: float = -9) -> QueuedEntry:
    return QueuedEntry(f"ahead{seconds}", State.QUEUED, "normal", nodes, after(seconds))


@pytest.mark.parametrize(
    ("nodes", "ahead", "words", "next_step"),
    [
        (1, [], "position 1 .*; 2 of 2 nodes idle$", "It is about to start"),
        (1, [_ahead(1)], "position 2 .*; 2 of 2 nodes idle$", "It is about to start"),
        (1, [_ahead(2)], "; 2 of 2 nodes idle; a larger job waits ahead, for 2 nodes$", "ahead gets"),
        (1, [_ahead(1), _ahead(1, -8)], "position 3 .*; 2 of 2 nodes idle; 2 jobs wait ahead$", "ahead gets"),
        (2, [_ahead(1)], "; 2 of 2 nodes idle; 1 job waits ahead$", "ahead gets"),
        # One that is larger than the cluster is passed over.
        (1, [_ahead(3)], "; 2 of 2 nodes idle; a job ahead asks for more nodes than there are$", "about to"),
    ],
)
def test_idle_nodes_that_are_not_for_this_job(
    nodes: int, ahead: list[QueuedEntry], words: str, next_step: str
) -> None:
    two = [IDLE, NodeView("n4", "idle", True)]
    waiting = why(a_job(node_count=nodes), QueueOrder(ahead), two, RUN)
    assert waiting is not None and waiting.reason is WaitingReason.WAITING_FOR_NODE
    assert re.search(words, waiting.message)
    assert next_step in waiting.next_step


def test_a_job_of_several_nodes_waits_for_all_of_them() -> None:
    waiting = why(a_job(node_count=2), QueueOrder([]), [IDLE, BUSY], RUN)
    assert waiting is not None
    assert waiting.message.endswith("; 1 of 2 nodes idle; it needs 2")
    assert waiting.next_step == "Nothing to do: it starts as soon as 2 nodes are free."


def test_life_is_measured_by_the_service_clock() -> None:
    assert is_alive(CREATED, CREATED + timedelta(seconds=90), 90)
    assert not is_alive(CREATED, CREATED + timedelta(seconds=91), 90)
    assert not is_alive(None, CREATED, 90)


def test_a_held_job_says_who_is_there() -> None:
    job = transitions.claim(a_job(node_count=3), "n0", "m", after(1))
    waiting = why(job, QueueOrder([]), [IDLE, BUSY], RUN, ["n0", "n1"])
    assert waiting is not None
    assert waiting.reason is WaitingReason.GANG_INCOMPLETE
    assert "2 of 3 nodes are together: n0, n1" in waiting.message
    alone = why(job, QueueOrder([]), [], RUN)
    assert alone is not None and "1 of 3 nodes are together: n0" in alone.message


def test_a_gang_that_dissolved_waits_for_nodes() -> None:
    job = transitions.dissolve(transitions.claim(a_job(node_count=2), "n0", "m", after(1)), "", after(2))
    waiting = why(job, QueueOrder([]), [IDLE, BUSY], RUN)
    assert waiting is not None
    assert waiting.reason is WaitingReason.WAITING_FOR_NODE


def test_a_refusal_that_nobody_knows_leads_to_the_clouds_own_log() -> None:
    assert "activity log" in replace(GROWING, refused="No.", code="Strange").advice
