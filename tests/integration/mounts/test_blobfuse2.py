"""The blobfuse2 driver against Azurite: with the real program where it is installed, else with a stand-in."""

import contextlib
import os
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from azure.storage.blob import ContainerClient

from runner.machine import mountinfo
from runner.machine.commands import find_program
from runner.mounts.drivers import blobfuse2 as blobfuse2_driver
from runner.mounts.mount import mount_volume, sweep
from runner.mounts.types import UnmountError, Volume
from shared.errors import MountError
from tests.integration.mounts.conftest import Machine, slow_to_end, words_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("fuse")
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def blobfuse2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`blobfuse2` on PATH."""
    if find_program("blobfuse2"):
        return
    program = tmp_path / "bin" / "blobfuse2"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={REPOSITORY} exec {sys.executable} -m tests.support.blobfuse2_stand_in "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def dying_slowly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow_to_end("blobfuse2", tmp_path, monkeypatch)


def serving(target: Path) -> list[psutil.Process]:
    """The processes that serve the mount at `target`."""
    wanted = str(target)
    return [p for p in psutil.process_iter() if wanted in words_of(p)]


def test_a_container_is_read_and_written(
    machine: Machine, volume: Volume, container: ContainerClient
) -> None:
    container.upload_blob("in/a.txt", b"hello")
    with mount_volume(volume, machine.root, machine.context) as mounted:
        assert mounted.driver == "blobfuse2"
        assert (mounted.target / "in/a.txt").read_bytes() == b"hello"
        (mounted.target / "out").mkdir()
        (mounted.target / "out/b.txt").write_bytes(b"result")
        found = mountinfo.mounted_at(mounted.target)
        assert found is not None and {"nosuid", "nodev"} <= set(found.options)
        (process,) = serving(mounted.target)
        assert volume.key not in " ".join(process.cmdline())
        notes = [p for p in machine.context.work.rglob("*") if p.is_file()]
        assert notes and all(volume.key not in p.read_text(errors="replace") for p in notes)
        assert all(p.stat().st_mode & 0o077 == 0 for p in notes if p.suffix == ".yaml")
    assert container.download_blob("out/b.txt").readall() == b"result"
    assert not serving(mounted.target) and list(machine.context.work.iterdir()) == []
    assert list(machine.root.iterdir()) == []


def test_old_options_are_read_and_reported(machine: Machine, volume: Volume) -> None:
    asked = replace(volume, mount_options="-o ro -o big_writes --file-cache-timeout-in-seconds=60")
    with (
        mount_volume(asked, machine.root, machine.context) as mounted,
        pytest.raises(OSError, match="Read-only"),
    ):
        (mounted.target / "x").write_text("x")
    assert "'big_writes' has no effect any more" in machine.log


def test_a_dangerous_option_is_refused_before_anything_is_done(machine: Machine, volume: Volume) -> None:
    with (
        pytest.raises(MountError, match="'tmp-path' is not allowed"),
        mount_volume(replace(volume, mount_options="--tmp-path=/"), machine.root, machine.context),
    ):
        pytest.fail("it must not be mounted")
    assert list(machine.root.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "words", "hint"),
    [
        ({"key": "d3Jvbmc="}, "AuthorizationFailure|AuthenticationFailed|403", "account key"),
        ({"container": "nothere"}, "ContainerNotFound|404", "spelled right"),
        ({"endpoint": "http://127.0.0.1:1/devstoreaccount1"}, "refused", "TCP port 1"),
    ],
)
def test_a_mount_that_cannot_be_says_why(
    machine: Machine, volume: Volume, change: dict[str, str], words: str, hint: str
) -> None:
    with (
        pytest.raises(MountError, match=words) as caught,
        mount_volume(replace(volume, **change), machine.root, machine.context),
    ):
        pytest.fail("it must not be mounted")
    assert caught.value.code == "BFSMountError" and hint in caught.value.hint
    assert list(machine.root.iterdir()) == [] and list(machine.context.work.iterdir()) == []


def test_blobfuse2_killed_during_the_job(
    machine: Machine, volume: Volume, container: ContainerClient
) -> None:
    with (
        pytest.raises(UnmountError, match="ended with status -9"),
        mount_volume(volume, machine.root, machine.context) as mounted,
    ):
        (mounted.target / "done").write_bytes(b"closed before")
        (process,) = serving(mounted.target)
        process.kill()
        eventually(lambda: not serving(mounted.target))
        with pytest.raises(OSError):
            (mounted.target / "done").read_bytes()
    assert container.download_blob("done").readall() == b"closed before"
    assert len(machine.failures) == 1 and list(machine.root.iterdir()) == []
    assert sweep(machine.root, machine.context) == ()


@pytest.mark.usefixtures("dying_slowly")
def test_a_death_in_the_last_moments_of_the_job_is_reported(machine: Machine, volume: Volume) -> None:
    """The real program is still there, as a dying process, when its mount serves no more."""
    with (
        pytest.raises(UnmountError, match="ended with status -9"),
        mount_volume(volume, machine.root, machine.context) as mounted,
    ):
        serving(mounted.target)[-1].kill()
    assert len(machine.failures) == 1 and list(machine.root.iterdir()) == []


@pytest.mark.usefixtures("dying_slowly")
@pytest.mark.parametrize("seconds", [30.0, 0.1])
def test_an_end_that_takes_its_time_is_no_death(
    machine: Machine, volume: Volume, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """Whether it is waited for or killed by us in the end."""
    monkeypatch.setattr(blobfuse2_driver, "_GONE_SECONDS", seconds)
    with mount_volume(volume, machine.root, machine.context):
        pass
    assert machine.failures == []
    assert ("is killed" in machine.log) == (seconds < 1)


def test_a_file_that_could_not_be_uploaded_is_reported_though_its_program_heeds_no_close(
    machine: Machine, volume: Volume, container: ContainerClient
) -> None:
    with (
        pytest.raises(UnmountError, match=r"2 files did not reach .*'a b', 'lost'") as caught,
        mount_volume(volume, machine.root, machine.context) as mounted,
    ):
        (mounted.target / "kept").write_bytes(b"x")
        mounted.settle(machine.said.append)
        files = [(mounted.target / name).open("wb", buffering=0) for name in ("a b", "lost")]
        for file in files:
            file.write(b"precious")
        container.delete_container()
        for file in files:
            with contextlib.suppress(OSError):
                file.close()
        with pytest.raises(UnmountError, match="'a b', 'lost' could not be uploaded"):
            eventually(lambda: mounted.settle(machine.said.append))
        mounted.settle(machine.said.append)  # said once
    assert caught.value.code == "BFSMountError"
