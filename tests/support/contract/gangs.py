"""The table of gangs."""

from dataclasses import replace
from typing import Any

import pytest

from shared.errors import LostOwnershipError
from shared.jobs.gang import Gang, Member, Phase, Step
from shared.stores.gang_table import GangTable
from tests.support.jobs import after
from tests.support.world import World


def table_of(world: World) -> GangTable:
    return world.stores.gangs


def a_gang(world: World, attempt: int = 1, **changes: Any) -> Gang:
    gang = Gang(world.cluster, world.id(), "uuid", attempt, "normal", after(0.5), 3)
    return replace(gang, **changes)


def member(index: int) -> Member:
    return Member(index, f"node-{index}", "10.0.0.4", 0, f"token-{index}", ports=(2222, 2223))


def test_a_gang_grows_and_is_read_as_it_was_written(world: World) -> None:
    table = table_of(world)
    opened = table.open(a_gang(world), member(0))
    joined = table.join(opened, member(1))
    with pytest.raises(LostOwnershipError):
        table.join(opened, member(2))
    with pytest.raises(LostOwnershipError):
        table.join(joined, member(1))
    found = table.look_at(joined).find("uuid", 1)
    assert found is not None
    assert [(m.token, m.etag) for m in found.members] == [(m.token, m.etag) for m in joined.members]
    assert (found.taken, found.etag, found.created) == (2, joined.etag, joined.created)
    assert table.look(world.cluster).gangs == table.look_at(joined).gangs
    seen = table.look_at_seats(joined, [1]).find("uuid", 1)
    assert seen is not None and [m.index for m in seen.members] == [1]


def test_a_seat_is_freed_unless_its_member_was_heard_of_since(world: World) -> None:
    table = table_of(world)
    gang = table.join(table.open(a_gang(world), member(0)), member(1))
    quiet = gang.members[1]
    heard = table.write_report(gang, replace(quiet, step=Step.PREPARED))
    with pytest.raises(LostOwnershipError):
        table.write_report(gang, quiet)
    with pytest.raises(LostOwnershipError):
        table.free(gang, quiet)
    assert table.free(gang, heard).taken == 1
    with pytest.raises(LostOwnershipError):
        table.write_report(gang, heard)


def test_a_later_attempt_takes_the_place_of_an_earlier_one(world: World) -> None:
    table = table_of(world)
    first = table.join(table.open(a_gang(world), member(0)), member(1))
    second = table.open(a_gang(world, 2), member(0))
    with pytest.raises(LostOwnershipError):
        table.open(a_gang(world, 2), member(0))
    with pytest.raises(LostOwnershipError):
        table.write(replace(first, phase=Phase.ASSEMBLED))
    with pytest.raises(LostOwnershipError):
        table.remove(first)
    table.remove(second)
    table.remove(second)
    look = table.look(world.cluster)
    assert (look.gangs, look.strays) == ((), ())
    with pytest.raises(LostOwnershipError):
        table.write(second)
