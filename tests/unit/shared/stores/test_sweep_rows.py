"""Rows and messages of sweeps: what a newer version wrote is left alone or carried along."""

import json

import pytest

from shared.errors import UnreadableError
from shared.names.sweep_ids import SweepId
from shared.stores.sweep_queue import SweepMessage, from_text, to_text
from shared.sweeps.model import SweepState
from tests.support.memory.world import MemoryWorld, memory_world
from tests.support.sweeps import Sweeps

ID = SweepId("ws", "exp", "s")


@pytest.fixture
def world() -> MemoryWorld:
    world = memory_world()
    Sweeps(world).accept()
    return world


def columns(world: MemoryWorld, row: str = "sweep|exp|s") -> dict[str, object]:
    found: dict[str, object] = world.account.tables.tables["sweeps"][("ws", row)].columns
    return found


def test_columns_and_words_of_a_newer_version_are_carried_along(world: MemoryWorld) -> None:
    columns(world)["Colour"] = "blue"
    Sweeps(world).manager.terminate(ID)
    assert columns(world)["Colour"] == "blue"
    columns(world)["State"] = "paused"
    assert Sweeps(world).get().state == "paused"
    Sweeps(world).manager.work(ID)
    assert (columns(world)["State"], Sweeps(world).jobs()) == ("paused", {})


def test_a_row_of_another_version_is_left_alone(world: MemoryWorld) -> None:
    columns(world)["V"] = 2
    with pytest.raises(UnreadableError, match="another version"):
        Sweeps(world).get()
    assert Sweeps(world).manager.list_sweeps("ws", "exp") == []
    assert Sweeps(world).manager.mend() == 1, "a fault in one keeps nobody from the others"


def test_results_keep_what_they_are_not_asked_for(world: MemoryWorld) -> None:
    sweeps = Sweeps(world)
    sweeps.deliver()
    sweeps.run_one()
    sweeps.deliver()
    columns(world, "run|exp|s|000000")["Colour"] = "blue"
    (result,) = sweeps.manager.runs(sweeps.get(), 0, 10).results.values()
    assert (result.state, result.newer) == ("succeeded", (("Colour", "blue"),))
    assert sweeps.get().state is SweepState.RUNNING


def test_messages_are_read_back_and_others_left_aside() -> None:
    for message in (SweepMessage(ID), SweepMessage(ID, 0), SweepMessage(ID, 17)):
        assert from_text(to_text(message)) == message
    whole = json.loads(to_text(SweepMessage(ID, 3)))
    for wrong in ({"v": 2}, {"sweep": 5}, {"run": "x"}):
        assert from_text(json.dumps(whole | wrong)) is None
    for text in ("", "[]", "{}", "5"):
        assert from_text(text) is None
