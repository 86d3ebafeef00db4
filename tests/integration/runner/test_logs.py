"""LogShipper over the Azure Files emulator: every byte arrives, whatever the service does meanwhile."""

import functools
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.fileshare import ShareServiceClient

from runner.isolation.job_user import own
from runner.logs import routing
from runner.logs.execution_log import ExecutionLog
from runner.logs.shipper import LogShipper
from shared.jobs.model import StreamSeal
from shared.stores.volumes.file_shares import ShareAddress, ShareFolder
from tests.integration.runner.conftest import Shares
from tests.support.waiting import eventually

FOLDER = "sub/rg/workspaces/ws/stdouterr"


class Stage:
    """A share called logs, its directory, and shippers that write to it."""

    def __init__(self, shares: Shares, tmp_path: Path) -> None:
        self.shares = shares
        self.folder = shares.create("logs") / FOLDER
        self._spools = tmp_path
        self._open: list[LogShipper] = []

    def shipper(self, attempt: int = 1, share: str = "logs") -> LogShipper:
        spool = self._spools / f"spool-{attempt}-{len(self._open)}"
        spool.mkdir()
        server = self.shares.server
        folder = ShareFolder(ShareAddress(server.account, share, server.key, server.url), FOLDER)
        self._open.append(LogShipper(spool, folder, attempt))
        return self._open[-1]

    def text(self, name: str = "stdout.txt") -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""


@pytest.fixture
def stage(shares: Shares, tmp_path: Path) -> Iterator[Stage]:
    yield Stage(shares, tmp_path)


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def seal_of(name: str, text: str) -> StreamSeal:
    data = text.encode()
    return StreamSeal(name, len(data), hashlib.sha256(data).hexdigest(), True, text.count("\n"))


def test_a_line_is_readable_while_the_job_runs(stage: Stage) -> None:
    shipper = stage.shipper()
    path = shipper.add("stdout.txt")
    shipper.start()
    delays = []

    def is_there(line: str) -> bool:
        return line in stage.text()

    for number in range(3):
        append(path, f"line {number}\n")
        before = time.monotonic()
        eventually(functools.partial(is_there, f"line {number}\n"), 2, 0.01)
        delays.append(time.monotonic() - before)
    assert sorted(delays)[1] < 1, "the median promised"
    assert shipper.finish(lambda begun: begun + 5) == (seal_of("stdout.txt", "line 0\nline 1\nline 2\n"),)


def test_bytes_not_text(stage: Stage) -> None:
    shipper = stage.shipper()
    path = shipper.add("stdout.txt")
    path.write_bytes(bytes(range(256)) * 40_000)  # more than one Put Range takes
    (seal,) = finish(shipper)
    data = (stage.folder / "stdout.txt").read_bytes()
    assert data == bytes(range(256)) * 40_000
    assert (seal.size, seal.complete) == (len(data), True)
    assert seal.sha256 == hashlib.sha256(data).hexdigest()


def finish(shipper: LogShipper, seconds: float = 5.0) -> tuple[StreamSeal, ...]:
    shipper.start()
    return shipper.finish(lambda begun: begun + seconds)


def test_an_empty_stream_is_an_empty_file(stage: Stage) -> None:
    shipper = stage.shipper()
    shipper.add("stderr.txt")
    assert finish(shipper) == (seal_of("stderr.txt", ""),)
    assert (stage.folder / "stderr.txt").exists()


def test_streams_may_begin_late(stage: Stage) -> None:
    shipper = stage.shipper()
    append(shipper.add("execution.log"), "start\n")
    shipper.start()
    eventually(lambda: stage.text("execution.log"))
    append(shipper.add("stdout.txt"), "late\n")
    assert {seal.name: seal.complete for seal in shipper.finish(lambda begun: begun + 5)} == {
        "execution.log": True,
        "stdout.txt": True,
    }
    assert stage.text() == "late\n"


def test_nothing_is_lost_while_the_service_refuses(stage: Stage) -> None:
    shipper = stage.shipper()
    path = shipper.add("stdout.txt")
    shipper.start()
    append(path, "before\n")
    eventually(lambda: stage.text() == "before\n")
    stage.shares.server.stop()
    append(path, "meanwhile\n")
    eventually(lambda: shipper.fault, 20)
    append(path, "still\n")
    stage.shares.restart()
    eventually(lambda: stage.text().endswith("still\n"), 20)
    append(path, "after\n")
    assert shipper.finish(lambda begun: begun + 20) == (
        seal_of("stdout.txt", "before\nmeanwhile\nstill\nafter\n"),
    )
    assert stage.text() == "before\nmeanwhile\nstill\nafter\n"


def test_what_did_not_arrive_is_sealed_as_incomplete(stage: Stage) -> None:
    shipper = stage.shipper()
    path = shipper.add("stdout.txt")
    shipper.start()
    append(path, "arrived\n")
    eventually(lambda: stage.text())
    stage.shares.server.stop()
    append(path, "lost\n")
    before = time.monotonic()
    (seal,) = shipper.finish(lambda begun: begun + 0.5)
    stage.shares.restart()
    assert (seal.size, seal.complete) == (len("arrived\n"), False)
    assert time.monotonic() - before < 25


def test_a_share_that_does_not_exist_keeps_nobody_waiting(stage: Stage) -> None:
    shipper = stage.shipper(share="nobody-made-it")
    append(shipper.add("stdout.txt"), "x")
    before = time.monotonic()
    (seal,) = finish(shipper, 60)
    assert (seal.size, seal.complete) == (0, False)
    assert time.monotonic() - before < 5
    assert "ShareNotFound" in shipper.fault


def test_the_earlier_attempts_files_stay(stage: Stage) -> None:
    for attempt, text in ((1, "first\n"), (2, "second\n"), (3, "third\n")):
        shipper = stage.shipper(attempt)
        append(shipper.add("stdout.txt"), text)
        finish(shipper)
    assert stage.text("stdout.attempt-1.txt") == "first\n"
    assert stage.text("stdout.attempt-2.txt") == "second\n"
    assert stage.text() == "third\n"


def test_a_second_try_at_beginning_a_file_keeps_the_earlier_attempts(stage: Stage) -> None:
    """The answer to the creation may be lost: the empty file of this attempt is not the earlier attempt's."""
    first = stage.shipper(1)
    append(first.add("stdout.txt"), "first\n")
    finish(first)
    server = stage.shares.server
    folder = ShareFolder(ShareAddress(server.account, "logs", server.key, server.url), FOLDER)
    folder.start_file("stdout.txt", "stdout.attempt-1.txt")
    folder.start_file("stdout.txt", "stdout.attempt-1.txt")
    folder.close()
    assert stage.text("stdout.attempt-1.txt") == "first\n"


def test_who_lost_the_lease_writes_nothing_more(stage: Stage) -> None:
    """Another runner may have begun the file anew."""
    shipper = stage.shipper()
    path = shipper.add("stdout.txt")
    shipper.start()
    append(path, "mine\n")
    eventually(lambda: stage.text() == "mine\n")
    stage.shares.server.stop()
    append(path, "too late\n")
    eventually(lambda: shipper.fault, 20)
    stage.shares.restart()
    (stage.folder / "stdout.txt").write_text("other\n")
    (seal,) = shipper.finish(lambda begun: begun + 0)
    assert not seal.complete or seal.size == len("mine\n")
    assert stage.text() == "other\n"


def test_a_job_that_prints_without_end_does_not_starve_the_other_streams(stage: Stage) -> None:
    shipper = stage.shipper()
    loud, quiet = shipper.add("stdout.txt"), shipper.add("stderr.txt")
    shipper.start()
    append(quiet, "heard\n")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and stage.text("stderr.txt") != "heard\n":
        append(loud, "x" * 2_000_000)
    assert stage.text("stderr.txt") == "heard\n"
    assert all(seal.complete for seal in shipper.finish(lambda begun: begun + 20))


def test_the_trouble_of_one_stream_is_not_that_of_the_others(stage: Stage) -> None:
    shipper = stage.shipper()
    removed, other = shipper.add("removed.txt"), shipper.add("stdout.txt")
    shipper.start()
    eventually((stage.folder / "stdout.txt").exists)
    with ShareServiceClient.from_connection_string(stage.shares.server.connection_string) as service:
        service.get_share_client("logs").get_file_client(f"{FOLDER}/removed.txt").delete_file()
    append(removed, "nowhere to go\n")
    append(other, "arrives\n")
    seals = {seal.name: seal.complete for seal in shipper.finish(lambda begun: begun + 60)}
    assert seals == {"removed.txt": False, "stdout.txt": True}
    assert stage.text() == "arrives\n"


def test_logs_on_the_node_itself(tmp_path: Path) -> None:
    for attempt, text in ((1, "first\n"), (2, "second\n")):
        spool = tmp_path / f"spool-{attempt}"
        spool.mkdir()
        folder = str(tmp_path / "logs/stdouterr")
        logs = routing.open_logs(folder, {}, spool, "run", attempt, node_root=tmp_path, user=own())
        append(logs.add("stdout.txt"), text)
        logs.start()
        assert logs.finish(lambda begun: begun + 10) == (seal_of("stdout.txt", text),)
    assert (tmp_path / "logs/stdouterr/stdout.txt").read_text() == "second\n"
    assert (tmp_path / "logs/stdouterr/stdout.attempt-1.txt").read_text() == "first\n"


def test_the_execution_log_holds_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "execution.log"
    diary = ExecutionLog(path, lambda: "now", lambda text: text.replace("swordfish", "***"))
    diary.say("the word is swordfish")
    assert path.read_text() == "now the word is ***\n"
