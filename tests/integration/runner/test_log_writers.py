"""The child that writes log files is kept from job to job, and knows nothing of the job before."""

import os
from pathlib import Path

import psutil
import pytest

from runner.isolation.job_user import own
from runner.logs.log_writers import Writers
from runner.logs.path_folder import PathFolder
from runner.machine.trusted_path import TrustedPath
from shared.errors import StoreError


def folder(root: Path, writers: Writers) -> PathFolder:
    return PathFolder(TrustedPath(str(root), "logs"), own(), volume=False, writers=writers)


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children() if "path_writer" in " ".join(child.cmdline())}


@pytest.fixture
def writers() -> Writers:
    return Writers()


def write(root: Path, writers: Writers, text: bytes) -> None:
    logs = folder(root, writers)
    logs.create()
    logs.start_file("stdout.txt", "")
    logs.append("stdout.txt", 0, text)
    logs.close()


def test_one_child_serves_job_after_job_and_holds_no_file_open(tmp_path: Path, writers: Writers) -> None:
    before = children()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, writers, name.encode())
        assert (tmp_path / name / "logs" / "stdout.txt").read_text() == name
        (child,) = children() - before
        assert not [file for file in psutil.Process(child).open_files() if "stdout" in file.path]
    writers.close()
    assert children() == before


def test_one_that_was_killed_meanwhile_is_replaced(tmp_path: Path, writers: Writers) -> None:
    before = children()
    write(tmp_path, writers, b"one")
    (child,) = children() - before
    psutil.Process(child).kill()
    psutil.wait_procs([psutil.Process(child)], 5)
    logs = folder(tmp_path, writers)
    logs.append("stdout.txt", 0, b"two")
    logs.close()
    assert (tmp_path / "logs" / "stdout.txt").read_text() == "two"
    writers.close()
    assert children() == before


def test_one_that_is_shut_writes_no_more(tmp_path: Path, writers: Writers) -> None:
    logs = folder(tmp_path, writers)
    logs.create()
    logs.close()
    with pytest.raises(StoreError):
        logs.start_file("stdout.txt", "")
    writers.close()


def near_folder(root: Path) -> PathFolder:
    return PathFolder(TrustedPath(str(root), "a/logs"), own(), volume=False, near=True)


def open_files() -> set[str]:
    return {file.path for file in psutil.Process().open_files()}


def test_below_the_nodes_own_root_no_child_is_needed(tmp_path: Path) -> None:
    before = children()
    logs = near_folder(tmp_path)
    logs.create()
    logs.start_file("stdout.txt", "")
    logs.append("stdout.txt", 0, b"one")
    kept = tmp_path / "a" / "logs" / "stdout.txt"
    assert kept.read_text() == "one" and str(kept) in open_files()
    with pytest.raises(StoreError, match="File exists"):
        near_folder(tmp_path).start_file("stdout.txt", "")
    logs.close()
    assert str(kept) not in open_files()
    with pytest.raises(StoreError):
        logs.append("stdout.txt", 3, b"two")
    assert children() == before


def test_no_link_is_followed_there_either(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="symbolic link"):
        near_folder(tmp_path).create()
    assert not any((tmp_path / "elsewhere").iterdir())


def test_a_write_under_way_closes_its_file_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = near_folder(tmp_path)
    logs.create()
    logs.start_file("stdout.txt", "")
    write = os.pwrite

    def late(file: int, data: memoryview, offset: int) -> int:
        logs.close()
        return write(file, data, offset)

    monkeypatch.setattr(os, "pwrite", late)
    logs.append("stdout.txt", 0, b"one")
    assert not [path for path in open_files() if path.endswith("stdout.txt")]
