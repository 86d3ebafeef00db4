"""What follows from how the nodes of a gang stand."""

from dataclasses import replace
from typing import Any

import pytest

from shared.jobs import gang
from shared.jobs.gang import Gang, Look, Member, Phase, Step
from tests.support.jobs import CREATED, JOB, a_job, after

NOW, SILENCE = after(100), 12.0


def member(index: int, **changes: Any) -> Member:
    fields: dict[str, Any] = {
        "node_id": f"node-{index}",
        "address": "10.0.0.4",
        "gpus": 0,
        "token": f"t{index}",
        "heard": NOW,
    }
    return Member(index, **fields | changes)


def a_gang(uuid: str = "a", members: int = 1, size: int = 3, **changes: Any) -> Gang:
    made = tuple(member(index) for index in range(members))
    fields: dict[str, Any] = {"priority": "normal", "created": CREATED, "taken": members, "members": made}
    return Gang(a_job().cluster, JOB, uuid, 1, size=size, **fields | changes)


def test_ranks_go_by_priority_then_age_then_uuid() -> None:
    gangs = [
        a_gang("d", priority="high", created=after(9)),
        a_gang("a", created=after(1)),
        a_gang("b", created=after(1)),
        a_gang("0", created=after(2)),
        a_gang("0", priority="low"),
    ]
    assert sorted(gangs, key=lambda each: each.rank) == gangs


def test_a_jobs_rank_is_that_of_its_gang() -> None:
    job = a_job()
    assert gang.rank_of(job) == a_gang(job.uuid, priority=job.priority, created=job.created).rank


@pytest.mark.parametrize(
    ("members", "phase", "lacking"),
    [(1, Phase.ASSEMBLING, 2), (3, Phase.ASSEMBLING, 0), (1, Phase.ASSEMBLED, 0), (2, Phase.ENDING, 0)],
)
def test_only_an_assembling_gang_lacks_nodes(members: int, phase: Phase, lacking: int) -> None:
    assert a_gang(members=members, phase=phase).lacking == lacking


def test_a_seat_that_was_left_is_taken_first() -> None:
    left = replace(a_gang(members=3), members=(member(0), member(2)))
    assert left.free_index() == 1
    assert a_gang(members=2).free_index() == 2


def test_a_member_is_found_by_its_token() -> None:
    made = a_gang(members=2)
    assert made.member("t1") == made.members[1]
    assert made.member("somebody else's") is None
    assert made.leader == made.members[0]
    assert replace(made, members=made.members[1:]).leader is None


def test_all_are_there_only_when_the_gang_is_complete() -> None:
    assert not a_gang(members=2).all_are(Step.JOINED)
    whole = a_gang(members=3)
    assert whole.all_are(Step.JOINED, Step.PREPARED)
    assert not whole.all_are(Step.PREPARED)


def test_who_is_silent_is_judged_by_the_time_of_the_answer() -> None:
    quiet = a_gang(members=3)
    helper = member(1, heard=after(100 - SILENCE - 0.1))
    made = replace(quiet, members=(member(0, heard=None), helper, member(2)))
    assert gang.silent(made, NOW, SILENCE) == [helper], "the leader is judged by the others"
    gone = replace(made, members=(member(0), replace(helper, step=Step.LEFT), member(2)))
    assert gang.silent(gone, NOW, SILENCE) == []


def test_a_free_node_helps_the_oldest_gang_that_lacks_nodes() -> None:
    oldest, younger = a_gang("a", created=after(1)), a_gang("b", created=after(2))
    look = Look((younger, oldest), NOW)
    assert gang.oldest_lacking(look, SILENCE) == oldest
    assert gang.oldest_lacking(look, SILENCE, younger.rank) == oldest
    assert gang.oldest_lacking(look, SILENCE, oldest.rank) is None
    whole = replace(oldest, taken=3)
    assert gang.oldest_lacking(Look((younger, whole), NOW), SILENCE) == younger


def test_a_gang_whose_leader_is_gone_is_not_helped() -> None:
    silent = a_gang(members=1, taken=1)
    lost = replace(silent, members=(member(0, heard=after(1)),))
    headless = replace(silent, members=())
    assert gang.oldest_lacking(Look((lost, headless), NOW), SILENCE) is None


def test_a_look_finds_the_gang_of_one_attempt() -> None:
    first, second = a_gang("a"), replace(a_gang("a"), attempt=2)
    look = Look((first, second), NOW)
    assert look.find("a", 2) == second
    assert look.find("b", 1) is None


def test_hints_may_lie_about_for_every_seat_that_is_free() -> None:
    assert gang.hints([a_gang(members=1), a_gang(members=3), a_gang(members=2)]) == 3


@pytest.mark.parametrize(
    ("leader", "others", "idle"),
    [
        ((1, True), [(1, True), (2, True)], True),
        ((1, True), [(1, True), (2, False)], False),
        ((1, False), [(1, True), (2, True)], False),
        ((0, False), [(1, True), (0, False)], True),
        ((0, False), [(1, False), (0, True)], False),
        ((0, True), [(0, True)], False),
    ],
)
def test_gpus_are_idle_where_every_node_with_gpus_says_so(
    leader: tuple[int, bool], others: list[tuple[int, bool]], idle: bool
) -> None:
    """(GPUs, idle) of each; what the leader's row says may be old."""
    seated = [member(0, gpus=leader[0], idle=not leader[1])]
    seated += [member(number, gpus=gpus, idle=says) for number, (gpus, says) in enumerate(others, 1)]
    assert gang.gpus_are_idle(replace(a_gang(), members=tuple(seated)), leader[1]) is idle
