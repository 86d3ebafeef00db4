"""The child that writes log files is kept from job to job, and knows nothing of the job before."""

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
