"""Undoing real mounts (tmpfs, bind): needs root."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.machine import mountinfo
from runner.mounts.mount import mount_volume, sweep
from runner.mounts.types import UNMANAGED, UnmountError, Volume
from runner.mounts.unmounting import unmount
from shared.errors import MountError
from tests.integration.mounts.conftest import Machine
from tests.support.needs import need

TMPFS = Volume(UNMANAGED, "t", mount_command="mount -t tmpfs none")


@pytest.fixture(autouse=True)
def root() -> None:
    need("these tests mount: run them as root" if os.geteuid() else None)


@pytest.fixture
def machine(machine: Machine) -> Machine:
    return machine.having(allowed_mount_commands=("mount -t tmpfs",), timeout_seconds=5)


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    target = tmp_path / "with blank" / "tmpfs"
    target.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", target], check=True)
    yield target
    subprocess.run(["umount", "-l", target], check=False, capture_output=True)


def test_unmount_and_its_check(tmpfs: Path) -> None:
    done = unmount(tmpfs, print, 5)
    assert done.gone and not done.forced and mountinfo.mounted_at(tmpfs) is None
    assert unmount(tmpfs, print, 5).gone, "nothing there is fine too"


def test_what_uses_the_mount_is_killed_and_named(tmpfs: Path) -> None:
    said: list[str] = []
    user = subprocess.Popen(["sleep", "600"], cwd=tmpfs)
    done = unmount(tmpfs, said.append, 5)
    assert done.gone and not done.forced and user.wait(5) == -signal.SIGKILL
    assert f"sleep ({user.pid})" in said[0]


def test_this_process_is_never_killed_and_the_mount_is_removed_lazily(tmpfs: Path) -> None:
    with (tmpfs / "open").open("w"):
        done = unmount(tmpfs, print, 5)
    assert done.gone and done.forced and "busy" in str(done)


def test_one_of_two_mounts_at_one_path_is_undone_at_a_time(tmpfs: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "second", tmpfs], check=True)
    assert unmount(tmpfs, print, 5).gone
    left = mountinfo.mounted_at(tmpfs)
    assert left is not None and left.source == "none"


def test_a_sweep_undoes_the_deepest_first(machine: Machine) -> None:
    outer = machine.root / "outer"
    outer.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", outer], check=True)
    (outer / "inner").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", outer / "inner"], check=True)
    done = sweep(machine.root, machine.context)
    assert [line.split(":")[0].rsplit("/", 1)[1] for line in done] == ["inner", "outer"]
    assert not mountinfo.mounted_under(machine.root) and outer.is_dir()


def test_an_unmanaged_volume_is_mounted_by_its_command(machine: Machine) -> None:
    with mount_volume(TMPFS, machine.root, machine.context) as mounted:
        found = mountinfo.mounted_at(mounted.target)
        assert found is not None and found.fstype == "tmpfs"
        assert {"nosuid", "nodev"} <= set(found.options), "the command did not ask for them"
        (mounted.target / "x").write_text("x")
    assert mountinfo.mounted_at(mounted.target) is None and list(machine.root.iterdir()) == []


def test_the_tools_words_are_reported(machine: Machine) -> None:
    volume = Volume(UNMANAGED, "t", mount_command="mount -t tmpfs -o size=nonsense none")
    with (
        pytest.raises(MountError, match=r"exit status 32") as caught,
        mount_volume(volume, machine.root, machine.context),
    ):
        pytest.fail("it must not be mounted")
    assert caught.value.code == "UnmanagedMountError" and list(machine.root.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "words"), [("true", "nothing is mounted"), ("sleep 60", "no answer within")]
)
def test_a_command_that_mounts_nothing_or_hangs(machine: Machine, command: str, words: str) -> None:
    volume = Volume(UNMANAGED, "t", mount_command=command)
    # "sleep 60 TARGET" would fail at once; a shell is what an operator might allow
    hanging = machine.having(allowed_mount_commands=("true", "sh -c"), timeout_seconds=1)
    if command.startswith("sleep"):
        volume = Volume(UNMANAGED, "t", mount_command=f"sh -c '{command}'")
    with (
        pytest.raises(MountError, match=words),
        mount_volume(volume, hanging.root, hanging.context),
    ):
        pytest.fail("it must not be mounted")


def test_an_undo_by_force_is_reported(machine: Machine) -> None:
    with (
        pytest.raises(UnmountError, match="by force"),
        mount_volume(TMPFS, machine.root, machine.context) as mounted,
        (mounted.target / "open").open("w") as file,
    ):
        keep = os.dup(file.fileno())
    os.close(keep)
    assert mountinfo.mounted_at(mounted.target) is None


def test_a_mount_in_the_way_is_not_covered(machine: Machine) -> None:
    with (
        mount_volume(TMPFS, machine.root, machine.context),
        pytest.raises(MountError, match="already is a mount point"),
        mount_volume(TMPFS, machine.root, machine.context),
    ):
        pytest.fail("it must not be mounted")
