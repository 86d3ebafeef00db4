"""The table of scaling."""

from dataclasses import replace

import pytest

from shared.errors import ConflictError, LostOwnershipError
from shared.names.ids import ClusterId
from shared.scaling.pools import MachineState
from shared.scaling.state import KnownMachine, Refusal, ScalingState
from shared.stores.scaling_table import ScalingRow, ScalingTable
from tests.support.jobs import after
from tests.support.world import World


def test_what_was_kept_is_read_as_it_was_written(world: World) -> None:
    table = ScalingTable(world.backend.connection)
    cluster = ClusterId(world.cluster.workspace, "Scaled")
    state = ScalingState(
        pool="pool",
        capacity=2,
        machines=(KnownMachine("pool_0", MachineState.PRESENT, after(1), True, after(2)),),
        asked=3,
        asked_at=after(3),
        operation="https://example/" + "x" * 40_000,
        refusal=Refusal("Quota", "kein Platz: ä", after(4)),
        refusals=2,
        retry_at=after(5),
        starts=(1.5, 2.0),
        replaced=(after(6),),
        stuck=("pool_1",),
        wanted=3,
        steady=False,
        changed=after(7),
        sentence="cluster grows",
    )
    written = table.put(ScalingRow(cluster, state))
    read, at = table.get(ClusterId(cluster.workspace.upper(), "SCALED"))
    assert read == ScalingRow(cluster, state) and read.etag == written.etag
    assert at
    assert table.read().rows[str(cluster).lower()] == read
    table.remove(cluster)
    table.remove(cluster)
    assert table.get(cluster)[0] is None


def test_who_was_overtaken_writes_nothing(world: World) -> None:
    table = ScalingTable(world.backend.connection)
    cluster = ClusterId(world.cluster.workspace, "raced")
    first = table.put(ScalingRow(cluster, ScalingState()))
    with pytest.raises(ConflictError):
        table.put(ScalingRow(cluster, ScalingState(capacity=9)))
    second = table.put(replace(first, state=ScalingState(capacity=1)))
    with pytest.raises(LostOwnershipError):
        table.put(replace(first, state=ScalingState(capacity=2)))
    assert table.get(cluster)[0] == second
    table.remove(cluster)


def test_a_look_is_kept_and_is_no_cluster(world: World) -> None:
    table = ScalingTable(world.backend.connection)
    table.note_look(after(100))
    table.note_look(after(200))
    kept = table.read()
    assert kept.looked == after(200)
    assert all("|" not in key for key in kept.rows)
