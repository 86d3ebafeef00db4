"""Shares whose directory already is on the machine."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from runner.mounts.drivers import premounted
from runner.mounts.mount import mount_all, mount_volume, sweep
from runner.mounts.types import FILE_SHARE, MountContext, UnmountError, Volume
from shared.errors import MountError
from tests.integration.mounts.conftest import Machine

LOGS = Volume(FILE_SHARE, "logs", account="acct", share="share", key="c2VjcmV0")


@pytest.fixture
def share(tmp_path: Path) -> Path:
    path = tmp_path / "shares" / "share"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def machine(machine: Machine, share: Path) -> Machine:
    return machine.having(premounted={"acct/share": share})


def test_a_share_that_the_jobs_user_cannot_write_to_is_reported(machine: Machine, share: Path) -> None:
    share.chmod(0o755)
    other = machine.having(user_id=share.stat().st_uid + 1, group_id=share.stat().st_gid + 1)
    with mount_volume(LOGS, other.root, other.context):
        assert "may not write" in other.log
    share.chmod(0o777)
    other.said.clear()
    with mount_volume(LOGS, other.root, other.context):
        assert "may not write" not in other.log


def test_a_way_that_leads_out_once_it_is_mounted_is_refused(
    machine: Machine, share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    mount = premounted.mount

    def swapping(volume: Volume, target: Path, context: MountContext) -> object:
        target.parent.rmdir()
        target.parent.symlink_to(outside)
        return mount(volume, target, context)

    monkeypatch.setattr(premounted, "mount", swapping)
    inner = replace(LOGS, relative_mount_path="folder/logs")
    with pytest.raises(MountError, match="leads out"), mount_volume(inner, machine.root, machine.context):
        pass
    assert not any(outside.iterdir())


def test_what_is_written_is_at_once_in_the_share(machine: Machine, share: Path) -> None:
    with mount_volume(LOGS, machine.root, machine.context) as mounted:
        assert mounted.driver == "premounted"
        with (mounted.target / "out.txt").open("w") as file:
            file.write("line\n")
            file.flush()
            assert (share / "out.txt").read_text() == "line\n"
    assert (share / "out.txt").exists(), "only the link may go"
    assert list(machine.root.iterdir()) == [] and list(machine.context.work.iterdir()) == []


def test_a_directory_that_is_not_there_is_refused(machine: Machine, share: Path) -> None:
    share.rmdir()
    with (
        pytest.raises(MountError, match="no such directory") as caught,
        mount_volume(LOGS, machine.root, machine.context),
    ):
        pytest.fail("it must not be mounted")
    assert caught.value.code == "AZFMountError"
    assert list(machine.root.iterdir()) == []


def test_a_link_that_the_job_replaced_is_reported(machine: Machine) -> None:
    with (
        pytest.raises(UnmountError, match="replaced"),
        mount_volume(LOGS, machine.root, machine.context) as mounted,
    ):
        mounted.target.unlink()
        mounted.target.mkdir()
        (mounted.target / "lost").write_text("x")
    assert (mounted.target / "lost").exists()


def test_a_link_that_the_job_turned_elsewhere_is_not_followed(machine: Machine, tmp_path: Path) -> None:
    with (
        pytest.raises(UnmountError, match="no longer points to"),
        mount_volume(LOGS, machine.root, machine.context) as mounted,
    ):
        mounted.target.unlink()
        mounted.target.symlink_to(tmp_path)
    assert tmp_path.is_dir()


def test_a_link_that_the_job_removed_is_no_fault(machine: Machine) -> None:
    with mount_volume(LOGS, machine.root, machine.context) as mounted:
        mounted.target.unlink()
    assert machine.failures == []


@pytest.mark.parametrize("path", ["../out", "/abs", "a/../../b", "", "a//b", "a//", "a\nb", ".", "a\\b"])
def test_a_path_that_leaves_the_root_is_refused(machine: Machine, path: str) -> None:
    with (
        pytest.raises(MountError, match="is not allowed"),
        mount_volume(replace(LOGS, relative_mount_path=path), machine.root, machine.context),
    ):
        pytest.fail("it must not be mounted")


def test_a_link_in_the_way_is_not_followed(machine: Machine, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    machine.root.mkdir()
    (machine.root / "a").symlink_to(outside)
    with (
        pytest.raises(MountError, match="cannot be made"),
        mount_volume(replace(LOGS, relative_mount_path="a/logs"), machine.root, machine.context),
    ):
        pytest.fail("it must not be mounted")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(("first", "second"), [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a/", "a")])
def test_volumes_that_would_lie_in_one_another_are_refused(machine: Machine, first: str, second: str) -> None:
    volumes = [replace(LOGS, relative_mount_path=path) for path in (first, second)]
    with (
        pytest.raises(MountError, match=r"(of another volume too|inside or around another volume)"),
        mount_all(volumes, machine.root, machine.context),
    ):
        pytest.fail("it must not be mounted")


def test_neighbours_are_fine(machine: Machine) -> None:
    volumes = [replace(LOGS, relative_mount_path=path) for path in ("a", "ab", "c/d", "c/e")]
    with mount_all(volumes, machine.root, machine.context) as mounted:
        assert [m.target.relative_to(machine.root).as_posix() for m in mounted] == ["a", "ab", "c/d", "c/e"]


def test_volumes_are_undone_in_reverse_order(machine: Machine) -> None:
    volumes = [replace(LOGS, relative_mount_path=path) for path in ("a", "b", "c")]
    with mount_all(volumes, machine.root, machine.context):
        pass
    undone = [line.rsplit("/", 1)[1] for line in machine.said if "no longer mounted" in line]
    assert undone == ["c", "b", "a"]


def test_every_undo_is_tried_and_every_failure_reported(machine: Machine) -> None:
    volumes = [replace(LOGS, relative_mount_path=path) for path in ("a", "b", "c")]
    with (
        pytest.raises(UnmountError) as caught,
        mount_all(volumes, machine.root, machine.context) as mounted,
    ):
        for one in (mounted[0], mounted[2]):
            one.target.unlink()
            one.target.mkdir()
    assert str(mounted[0].target) in str(caught.value) and str(mounted[2].target) in str(caught.value)
    assert not mounted[1].target.exists() and len(machine.failures) == 2


def test_a_link_of_a_killed_runner_is_swept(machine: Machine, share: Path) -> None:
    asked = {
        "volume": asdict(LOGS),
        "root": str(machine.root),
        "work": str(machine.context.work),
        "premounted": {"acct/share": str(share)},
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.mount_and_hang"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin and child.stdout
        child.stdin.write(json.dumps(asked))
        child.stdin.close()
        assert child.stdout.readline()
        child.kill()
    (machine.root / "mine").symlink_to(share)  # not made by a driver: not ours to remove
    assert sweep(machine.root, machine.context) == (f"removed the link {machine.root / 'logs'}",)
    assert [path.name for path in machine.root.iterdir()] == ["mine"] and share.is_dir()
