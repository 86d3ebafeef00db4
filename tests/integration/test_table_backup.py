"""An export of the tables, restored into an empty installation: jobs are there, and what waited continues."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import azurite as azurite_process
from shared import table_backup
from shared.backend import TABLES, provision
from shared.jobs.model import State
from shared.managers.claims import Claim
from shared.settings import Settings
from shared.stores.connection import Connection
from tests.support.waiting import eventually
from tests.support.world import World, document, settings_for
from tests.support.world import world as open_world


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Two storage accounts of their own."""
    folder = tmp_path_factory.mktemp("azurites")
    running = [azurite_process.start(folder / f"azurite-{number}.log") for number in range(2)]
    yield [endpoints.connection_string for _, endpoints in running]
    for child, _ in running:
        child.stop()


@pytest.fixture
def first(accounts: list[str]) -> Iterator[World]:
    """An installation with a job that waits, one that runs, one that has ended twice."""
    settings = settings_for(accounts[0])
    provision(settings)
    with open_world(settings) as world:
        world.accept("ended")
        world.finish(world.must_claim())
        world.accept("ended", document("exit 1"), etag="0x2")
        world.finish(world.must_claim())
        world.accept("running", document("sleep 9", secrets=[{"name": "TOKEN", "value": "swordfish"}]))
        world.must_claim("node-7")
        world.accept("waiting")
        yield world


def command(monkeypatch: pytest.MonkeyPatch, account: str, *words: str) -> int:
    """`python -m shared.table_backup` with the settings of an installation, and no key."""
    monkeypatch.setenv("BATCHAI_STORAGE", account)
    return table_backup.main(list(words))


def copy_accepted(source: Settings, target: Settings) -> None:
    """What brings the accepted documents to another account: azcopy does it on Azure."""
    old, new = Connection(source), Connection(target)
    for name in old.blobs.get_container_client(source.accepted_container).list_blob_names():
        data = old.blobs.get_blob_client(source.accepted_container, name).download_blob().readall()
        new.blobs.get_blob_client(target.accepted_container, name).upload_blob(data)
    old.close()
    new.close()


def rows(settings: Settings) -> dict[tuple[str, str, str], dict[str, object]]:
    connection = Connection(settings)
    found = {
        (table, row["PartitionKey"], row["RowKey"]): dict(row)
        for table in TABLES
        for row in connection.tables.get_table_client(table).list_entities()
    }
    connection.close()
    return found


def test_an_empty_installation_takes_over(
    first: World,
    accounts: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "tables.jsonl"
    assert command(monkeypatch, accounts[0], "export", str(file)) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "swordfish" not in file.read_text()
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    second = World(settings_for(accounts[1], default_workspace=first.settings.default_workspace))
    try:
        assert command(monkeypatch, accounts[1], "restore", str(file)) == 0
        said = capsys.readouterr().out.splitlines()
        assert said[0].removeprefix("exported") == said[1].removeprefix("restored")
        assert rows(second.settings) == rows(first.settings)
        copy_accepted(first.settings, second.settings)
        takes_over(first, second)
        # Nothing is written over unasked.
        assert command(monkeypatch, accounts[1], "restore", str(file)) == 1
        assert "have rows: a backup is restored into an empty installation" in capsys.readouterr().err
        assert command(monkeypatch, accounts[1], "restore", "--over", str(file)) == 0
    finally:
        second.backend.close()


def takes_over(first: World, second: World) -> None:
    for name in ("ended", "running", "waiting"):
        assert second.job(name).state is first.job(name).state
        assert second.job(name).events == first.job(name).events
    runs = [job.uuid for job in first.manager.runs(first.id("ended"))]
    assert [job.uuid for job in second.manager.runs(second.id("ended"))] == runs
    assert second.messages() == 0
    # The sweeper sends the messages that are missing, and takes the lease of the runner that is not here.
    claimed: list[Claim] = []

    def claims_of_both() -> bool:
        second.backend.sweeper.sweep()
        if claim := second.claim("node-1"):
            claimed.append(claim)
        return len(claimed) == 2

    eventually(claims_of_both, 30, interval=0.3)
    assert {claim.job.id.job for claim in claimed} == {"running", "waiting"}
    assert {claim.job.id.job: claim.job.attempt for claim in claimed} == {"running": 2, "waiting": 1}
    for claim in claimed:
        assert second.finish(claim).state is State.SUCCEEDED
    assert second.messages() == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[:-1], "is not whole"),
        (lambda lines: [*lines[:2], *lines[3:]], "is not whole"),
        (lambda lines: lines[1:], "is no export of tables"),
        (
            lambda lines: [lines[0].replace('"version":1', '"version":2'), *lines[1:]],
            "in a form that this version",
        ),
        (lambda lines: [*lines, lines[1]], "after the end"),
        (lambda lines: [lines[0], "{", *lines[1:]], ":2: not a line of an export"),
        (
            lambda lines: [lines[0], '{"table":"x","row":{}}', *lines[1:]],
            ":2: this version knows no table 'x'",
        ),
        (lambda lines: [lines[0], '{"table":"jobs","row":{"A":1}}', *lines[1:]], ":2: not a row"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_before_anything_is_written(
    change: Callable[[list[str]], list[str]],
    said: str,
    first: World,
    accounts: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "tables.jsonl"
    assert command(monkeypatch, accounts[0], "export", str(file)) == 0
    before = rows(first.settings)
    file.write_text("\n".join(change(file.read_text().splitlines())))
    assert command(monkeypatch, accounts[0], "restore", "--over", str(file)) == 1
    assert said in capsys.readouterr().err
    assert rows(first.settings) == before


def test_an_export_that_fails_leaves_the_last_one(
    first: World,
    accounts: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "tables.jsonl"
    file.write_text("yesterday's")
    away = accounts[0].replace("TableEndpoint=http://127.0.0.1", "TableEndpoint=http://127.0.0.9")
    assert command(monkeypatch, away, "export", str(file)) == 1
    assert "storage could not be reached" in capsys.readouterr().err
    assert file.read_text() == "yesterday's"


def test_wrong_settings_are_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BATCHAI_STORAGE", raising=False)
    assert table_backup.main(["export", str(tmp_path / "x")]) == 2
    assert not list(tmp_path.iterdir())
