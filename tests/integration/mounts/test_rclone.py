"""rclone on a real /dev/fuse against a real Azurite."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest
from azure.storage.blob import ContainerClient

from runner.machine import mountinfo
from runner.mounts.mount import mount_all, mount_volume, sweep
from runner.mounts.types import BLOB_CONTAINER, MountContext, UnmountError, Volume
from shared.errors import MountError
from tests.integration.mounts.conftest import Machine, slow_to_end, words_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("fuse")


def content(container: ContainerClient, name: str) -> bytes:
    return container.download_blob(name).readall()


def rclone_of(machine: Machine) -> list[psutil.Process]:
    """The rclone processes that work in this machine's directories."""
    work = str(machine.context.work)
    return [process for process in psutil.process_iter() if any(work in part for part in words_of(process))]


def test_a_container_is_read_and_written_like_a_directory(
    machine: Machine, volume: Volume, container: ContainerClient
) -> None:
    container.upload_blob("in/a.txt", b"hello")
    with mount_volume(volume, machine.root, machine.context) as mounted:
        data = mounted.target
        assert mounted.driver == "rclone"
        assert (data / "in/a.txt").read_bytes() == b"hello"
        (data / "out").mkdir()
        (data / "out/b.txt").write_bytes(b"one")
        with (data / "out/b.txt").open("ab") as file:
            file.write(b" two")
        (data / "out/c.txt").write_bytes(b"renamed")
        (data / "out/c.txt").rename(data / "out/d.txt")
        (data / "in/a.txt").unlink()
        (data / "run.sh").write_text("#!/bin/sh\necho ran\n")
        assert subprocess.run([data / "run.sh"], capture_output=True, check=True).stdout == b"ran\n"
    assert {blob.name for blob in container.list_blobs()} == {"out/b.txt", "out/d.txt", "run.sh"}
    assert content(container, "out/b.txt") == b"one two"
    assert content(container, "out/d.txt") == b"renamed"
    assert machine.failures == []


def test_a_folder_that_looks_like_an_option_is_none(
    machine: Machine, volume: Volume, container: ContainerClient
) -> None:
    with mount_volume(replace(volume, relative_mount_path="-data"), machine.root, machine.context) as mounted:
        assert mounted.target == machine.root / "-data"
        (mounted.target / "x").write_bytes(b"x")
    assert content(container, "x") == b"x"
    assert list(machine.root.iterdir()) == []


def test_nothing_is_left_afterwards(machine: Machine, volume: Volume) -> None:
    with mount_volume(volume, machine.root, machine.context) as mounted:
        (mounted.target / "x").write_text("x")
        assert rclone_of(machine)
    assert not rclone_of(machine)
    assert list(machine.root.iterdir()) == []
    assert list(machine.context.work.iterdir()) == []


def test_big_and_many_files_arrive_before_the_unmount(
    machine: Machine, volume: Volume, container: ContainerClient
) -> None:
    big = os.urandom(1024 * 1024) * 64
    with mount_volume(volume, machine.root, machine.context) as mounted:
        (mounted.target / "big").write_bytes(big)
        for number in range(200):
            (mounted.target / f"small-{number}").write_bytes(b"%d" % number)
    assert content(container, "big") == big
    assert {blob.name: blob.size for blob in container.list_blobs()} == {"big": len(big)} | {
        f"small-{number}": len(str(number)) for number in range(200)
    }


def test_leaving_does_not_wait_for_the_write_back_time(machine: Machine, volume: Volume) -> None:
    with mount_volume(volume, machine.root, machine.context) as mounted:
        (mounted.target / "last").write_text("x")
        ended = time.monotonic()
    assert time.monotonic() - ended < 4, "5 s is what rclone would wait by itself"


def test_mount_options_that_protect_the_machine(machine: Machine, volume: Volume) -> None:
    with mount_volume(volume, machine.root, machine.context) as mounted:
        found = mountinfo.mounted_at(mounted.target)
        assert found is not None and {"nosuid", "nodev"} <= set(found.options)


def test_the_secret_is_on_no_command_line_and_in_no_file(machine: Machine, volume: Volume) -> None:
    with mount_volume(volume, machine.root, machine.context):
        lines = [" ".join(process.cmdline()) for process in rclone_of(machine)]
        files = [path for path in machine.context.work.rglob("*") if path.is_file()]
        assert lines and files
        assert volume.key not in "".join(lines)
        assert all(volume.key not in path.read_text(errors="replace") for path in files)
        assert machine.context.work.stat().st_mode & 0o077 == 0
    assert volume.key not in machine.log and volume.key not in repr(volume)


@pytest.mark.parametrize(
    ("change", "words", "hint"),
    [
        ({"key": "d3Jvbmc="}, "403", "account key"),
        ({"container": "nothere"}, "directory not found", "exists and is spelled right"),
        ({"endpoint": "http://127.0.0.1:1/devstoreaccount1"}, "refused", "TCP port 1"),
        ({"endpoint": "http://nothing.invalid/devstoreaccount1"}, "nothing.invalid", "does not resolve"),
    ],
)
def test_a_mount_that_cannot_be_says_why_and_leaves_nothing(
    machine: Machine, volume: Volume, change: dict[str, str], words: str, hint: str
) -> None:
    started = time.monotonic()
    with (
        pytest.raises(MountError, match=words) as caught,
        mount_volume(replace(volume, **change), machine.root, machine.context),
    ):
        pytest.fail("it must not be mounted")
    assert time.monotonic() - started < 20
    assert caught.value.code == "BFSMountError" and hint in caught.value.hint
    assert volume.key not in str(caught.value)
    assert not rclone_of(machine) and not mountinfo.mounted_under(machine.root)
    assert list(machine.context.work.iterdir()) == []


def test_a_server_that_never_answers_is_given_up(machine: Machine, volume: Volume) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        deaf = replace(volume, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}/devstoreaccount1")
        started = time.monotonic()
        with (
            pytest.raises(MountError, match="no answer"),
            mount_volume(deaf, machine.root, machine.having(timeout_seconds=2).context),
        ):
            pytest.fail("it must not be mounted")
    assert time.monotonic() - started < 15
    assert not rclone_of(machine)


def test_a_busy_mount_is_freed_by_killing_what_uses_it(machine: Machine, volume: Volume) -> None:
    with mount_volume(volume, machine.root, machine.context) as mounted:
        lingering = subprocess.Popen(["sleep", "600"], cwd=mounted.target)
    assert lingering.wait(5) == -signal.SIGKILL
    assert "sleep" in machine.log
    assert machine.failures == []


def test_rclone_killed_during_the_job_is_reported_and_its_cache_uploaded(
    machine: Machine, volume: Volume, container: ContainerClient
) -> None:
    with (
        pytest.raises(UnmountError, match="ended with status -9"),
        mount_volume(volume, machine.root, machine.context) as mounted,
    ):
        (mounted.target / "late").write_bytes(b"written and closed")
        (killed,) = rclone_of(machine)
        killed.kill()
        eventually(lambda: not rclone_of(machine))
        with pytest.raises(OSError):
            (mounted.target / "late").stat()
    assert content(container, "late") == b"written and closed"
    assert [type(failure) for failure in machine.failures] == [UnmountError]
    assert list(machine.root.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_death_in_the_last_moments_of_the_job_is_reported(
    machine: Machine, volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    slow_to_end("rclone", tmp_path, monkeypatch)
    with (
        pytest.raises(UnmountError, match=f"ended with status -{how:d} "),
        mount_volume(volume, machine.root, machine.context),
    ):
        rclone_of(machine)[-1].send_signal(how)
    assert len(machine.failures) == 1 and list(machine.root.iterdir()) == []


def test_a_note_that_the_kill_tore_loses_no_file(
    machine: Machine, volume: Volume, container: ContainerClient
) -> None:
    with (
        pytest.raises(UnmountError, match="ended with status -9"),
        mount_volume(volume, machine.root, machine.context) as mounted,
    ):
        (mounted.target / "sub").mkdir()
        (mounted.target / "sub/late").write_bytes(b"written and closed" * 1000)
        (killed,) = rclone_of(machine)
        killed.kill()
        eventually(lambda: not rclone_of(machine))
        for note in machine.context.work.rglob("vfsMeta/*/*/sub/late"):
            note.write_text("")  # rclone truncates before it writes
    assert content(container, "sub/late") == b"written and closed" * 1000


def test_uploads_that_cannot_be_are_reported_and_kept(
    machine: Machine, volume: Volume, container: ContainerClient
) -> None:
    with (
        pytest.raises(UnmountError, match="1 files did not reach") as caught,
        mount_volume(volume, machine.root, machine.having(timeout_seconds=3).context) as mounted,
    ):
        container.delete_container()
        (mounted.target / "result").write_bytes(b"precious")
    assert "kept on the machine" in caught.value.hint
    kept = [p for p in machine.context.work.rglob("result") if p.read_bytes() == b"precious"]
    assert kept, "the data must still be on the machine"
    assert not mountinfo.mounted_under(machine.root) and not rclone_of(machine)


def test_the_error_of_the_job_is_not_hidden_by_a_failed_undo(machine: Machine, volume: Volume) -> None:
    with pytest.raises(ZeroDivisionError) as caught, mount_volume(volume, machine.root, machine.context):
        (killed,) = rclone_of(machine)
        killed.kill()
        raise ZeroDivisionError("the job's own error")
    assert "ended with status -9" in "".join(caught.value.__notes__)
    assert len(machine.failures) == 1


def test_the_first_volume_is_undone_when_the_second_fails(machine: Machine, volume: Volume) -> None:
    second = replace(volume, relative_mount_path="second", container="nothere")
    with (
        pytest.raises(MountError, match="nothere"),
        mount_all((volume, second), machine.root, machine.context),
    ):
        pytest.fail("it must not be mounted")
    assert not mountinfo.mounted_under(machine.root) and list(machine.root.iterdir()) == []


def leave_behind(volume: Volume, machine: Machine) -> Path:
    """Mount as a runner that is then killed: nothing of its own is undone."""
    asked = {"volume": asdict(volume), "root": str(machine.root), "work": str(machine.context.work)}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.mount_and_hang"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin and child.stdout
        child.stdin.write(json.dumps(asked))
        child.stdin.close()
        target = child.stdout.readline().strip()
        child.kill()
    assert target
    return Path(target)


def test_a_sweep_finishes_what_a_killed_runner_left(
    machine: Machine, volume: Volume, container: ContainerClient
) -> None:
    target = leave_behind(volume, machine)
    (target / "last words").write_bytes(b"said")
    done = sweep(machine.root, machine.context)
    assert any("unmounted fuse.rclone" in line for line in done)
    assert content(container, "last words") == b"said"
    assert not mountinfo.mounted_under(machine.root)
    assert list(machine.context.work.iterdir()) == []
    assert sweep(machine.root, machine.context) == ()


def test_a_sweep_removes_a_dead_mount(machine: Machine, volume: Volume) -> None:
    target = leave_behind(volume, machine)
    (killed,) = rclone_of(machine)
    killed.kill()
    eventually(lambda: not rclone_of(machine))
    assert not os.path.ismount(target)  # the trap: it is mounted all the same
    assert sweep(machine.root, machine.context)
    assert mountinfo.mounted_at(target) is None
    with mount_volume(volume, machine.root, machine.context):
        pass


def test_a_long_path_still_has_a_control_socket(machine: Machine, volume: Volume, tmp_path: Path) -> None:
    deep = machine.having(work=tmp_path / ("x" * 120))
    with mount_volume(volume, deep.root, deep.context) as mounted:
        (mounted.target / "a").write_text("a")


def test_default_driver_is_reported(machine: Machine, volume: Volume) -> None:
    with mount_volume(volume, machine.root, machine.context):
        assert "with rclone" in machine.log
    assert isinstance(machine.context, MountContext) and volume.kind == BLOB_CONTAINER
