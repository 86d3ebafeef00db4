"""Logs on a mounted directory, with a tmpfs in the place of a file server."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.isolation.job_user import own
from runner.logs.path_folder import PathFolder
from runner.logs.routing import VolumeLogs, while_mounted
from runner.machine.trusted_path import TrustedPath
from shared.errors import NotFoundError, StoreError
from tests.support.needs import need
from tests.support.waiting import eventually


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """A mount point; nothing is left mounted there."""
    need("mount needs root" if os.geteuid() else None)
    path = tmp_path / "mounts/u"
    path.mkdir(parents=True)
    yield path
    subprocess.run(["umount", "-q", path], check=False)


def mount(target: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", target], check=True)


@pytest.fixture
def folder(target: Path) -> Iterator[PathFolder]:
    made = PathFolder(TrustedPath(str(target), "logs/stdouterr"), own(), volume=True, answer_seconds=1)
    yield made
    made.close()


def test_nothing_is_written_below_the_mount_point(target: Path, folder: PathFolder) -> None:
    with pytest.raises(NotFoundError, match="nothing is mounted"):
        folder.create()
    folder.open()
    with pytest.raises(NotFoundError, match="nothing is mounted"):
        folder.create()
    assert not any(target.iterdir())
    mount(target)
    folder.create()
    assert (target / "logs/stdouterr").is_dir()


def test_lines_arrive_within_a_second_and_the_volume_can_be_unmounted_after(
    tmp_path: Path, target: Path, folder: PathFolder
) -> None:
    logs = VolumeLogs(tmp_path, folder, attempt=1)
    out = logs.add("stdout.txt")
    logs.start()
    mount(target)
    with while_mounted(logs, lambda begun: begun + 10):
        seen = target / "logs/stdouterr/stdout.txt"
        eventually(seen.exists, 3)
        with out.open("ab", buffering=0) as file:
            file.write(b"line\n")
            eventually(lambda: seen.read_bytes() == b"line\n", 1)
            file.write(b"last\n")
    content = seen.read_bytes()
    subprocess.run(["umount", target], check=True)  # it is not busy
    (seal,) = logs.finish(lambda begun: begun + 10)
    assert content == b"line\nlast\n" and seal.complete and seal.size == 10
    assert not any(target.iterdir())


def test_logs_of_a_volume_that_was_never_mounted_end_at_once(tmp_path: Path, folder: PathFolder) -> None:
    logs = VolumeLogs(tmp_path, folder, attempt=1)
    logs.add("stdout.txt").write_text("lost")
    logs.start()
    (seal,) = logs.finish(lambda begun: begun + 60)
    assert not seal.complete and seal.size == 0


def test_a_file_system_that_hangs_holds_up_nobody(target: Path, folder: PathFolder) -> None:
    mount(target)
    folder.open()
    folder.create()
    # A FIFO in the place of the file: opening it waits for ever, as a dead NFS server makes every call wait.
    os.mkfifo(target / "logs/stdouterr/stdout.txt")
    with pytest.raises(StoreError, match="gives no answer"):
        folder.append("stdout.txt", 0, b"x" * (4 << 20))
    (target / "logs/stdouterr/stdout.txt").unlink()
    folder.start_file("stdout.txt", "")
    folder.append("stdout.txt", 0, b"y" * (4 << 20))
    assert (target / "logs/stdouterr/stdout.txt").stat().st_size == 4 << 20
