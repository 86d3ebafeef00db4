"""The table of workspaces, experiments, file servers and deletions."""

from dataclasses import replace

import pytest

from shared.errors import ConflictError, LostOwnershipError, NotFoundError
from shared.stores.workspace_table import Deletion, Kind, Row, WorkspaceTable
from tests.support.jobs import after
from tests.support.world import World


def workspaces_of(world: World) -> WorkspaceTable:
    return world.stores.workspaces


def a_workspace_row(world: World, name: str = "exp", kind: Kind = Kind.EXPERIMENT, **detail: object) -> Row:
    workspace = name if kind is Kind.WORKSPACE else world.cluster.workspace
    return Row(kind, workspace, name, after(0.25), detail)


def test_a_row_comes_back_as_it_was_written(world: World) -> None:
    table = workspaces_of(world)
    row = table.insert(a_workspace_row(world, tags={"ä": "x" * 40_000}, location="here"))
    assert table.get(Kind.EXPERIMENT, world.cluster.workspace.upper(), "EXP") == row
    with pytest.raises(ConflictError):
        table.insert(a_workspace_row(world, "EXP"))
    changed = table.update(replace(row, deleting=True))
    with pytest.raises(LostOwnershipError):
        table.update(row)
    table.delete(changed)
    table.delete(changed)
    with pytest.raises(NotFoundError):
        table.update(changed)
    assert table.get(Kind.EXPERIMENT, world.cluster.workspace, "exp") is None


def test_rows_of_a_kind_by_name(world: World) -> None:
    table, workspace = workspaces_of(world), world.cluster.workspace
    for name in ("b", "A", "c"):
        table.insert(a_workspace_row(world, name))
    table.insert(a_workspace_row(world, "server", Kind.FILE_SERVER))
    assert [row.name for row in table.list_rows(Kind.EXPERIMENT, workspace)] == ["A", "b", "c"]
    assert [row.name for row in table.list_rows(Kind.EXPERIMENT, workspace, "A", 1)] == ["b"]
    assert [row.name for row in table.list_rows(Kind.FILE_SERVER, workspace)] == ["server"]


def test_workspaces_by_group_and_name(world: World) -> None:
    table, own = workspaces_of(world), world.cluster.workspace
    other = f"group-{own}/w"
    for name in (f"{own}-b", f"{own}-a", other):
        table.insert(a_workspace_row(world, name, Kind.WORKSPACE))
    assert [row.name for row in table.list_workspaces("", own, 2)][-2:] == [f"{own}-a", f"{own}-b"]
    assert [row.name for row in table.list_workspaces(f"group-{own}")] == [other]
    everywhere = [row.name for row in table.list_workspaces(None)]
    assert everywhere.index(f"{own}-a") < everywhere.index(f"{own}-b") < everywhere.index(other)


def test_a_deletion_is_noted_and_closed(world: World) -> None:
    table = workspaces_of(world)
    deletion = Deletion(Kind.JOB, world.cluster.workspace, "job", "uuid", "exp")
    table.begin_deletion(deletion)
    table.begin_deletion(deletion)
    world.wait(0.01)
    ages = [age for found, age in table.list_deletions() if found == deletion]
    assert len(ages) == 1 and 0 <= ages[0] < 5
    table.end_deletion(deletion)
    table.end_deletion(deletion)
    assert deletion not in [found for found, _ in table.list_deletions()]
