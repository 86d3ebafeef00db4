"""Drops whose names are traps: nothing is written anywhere for them."""

import pytest

from shared.intake import take_cluster, take_job
from tests.support.leaks import state
from tests.support.world import World, document


@pytest.mark.parametrize("folders", ["../accepted/x", "a/../../accepted", "./x", "a/.", ".."])
def test_a_drop_with_dots_for_folders_is_left_alone(world: World, folders: str) -> None:
    before = {where for where, _ in state(world.settings.storage)}
    take_job(world.backend, f"jobs/{folders}/job.json", document(), "0x1")
    take_cluster(world.backend, f"clusters/{folders}/cluster.json", b"{}")
    assert {where for where, _ in state(world.settings.storage)} == before


def test_a_drop_in_a_wrong_place_is_answered_beside_it(world: World) -> None:
    take_job(world.backend, f"jobs/{world.cluster.workspace}/a/b/c/d/job.json", document(), "0x1")
    beside = f"blob jobs/{world.cluster.workspace}/a/b/c/d/status.json"
    assert beside in {where for where, _ in state(world.settings.storage)}
