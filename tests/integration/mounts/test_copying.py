"""The copy driver against a real container in Azurite."""

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient

from runner.mounts.mount import mount_volume
from runner.mounts.types import MountContext, UnmountError, Volume
from shared.errors import MountError
from tests.integration.mounts.conftest import Machine
from tests.integration.runner.test_trees import deep

Build = Callable[..., Machine]


def names(container: ContainerClient) -> set[str]:
    return {blob.name for blob in container.list_blobs()}


def content(container: ContainerClient, name: str) -> bytes:
    return container.download_blob(name).readall()


def etag(container: ContainerClient, name: str) -> str:
    return container.get_blob_client(name).get_blob_properties().etag


def test_what_is_new_or_changed_returns_and_nothing_else(
    copying: Build, volume: Volume, container: ContainerClient
) -> None:
    container.upload_blob("in/same.txt", b"same")
    container.upload_blob("in/changed.txt", b"old")
    container.upload_blob("gone.txt", b"still wanted")
    before = etag(container, "in/same.txt")
    machine = copying()
    with mount_volume(volume, machine.root, machine.context) as mounted:
        assert mounted.driver == "copy"
        assert (mounted.target / "in/same.txt").read_bytes() == b"same"
        (mounted.target / "in/changed.txt").write_bytes(b"new")
        (mounted.target / "out/deep").mkdir(parents=True)
        (mounted.target / "out/deep/made.txt").write_bytes(b"made")
        (mounted.target / "gone.txt").unlink()
    assert names(container) == {"in/same.txt", "in/changed.txt", "gone.txt", "out/deep/made.txt"}
    assert content(container, "in/changed.txt") == b"new"
    assert etag(container, "in/same.txt") == before, "an untouched file must not be written"
    assert not mounted.target.exists() and list(machine.context.work.iterdir()) == []


def test_a_change_that_keeps_size_and_time_is_seen(
    copying: Build, volume: Volume, container: ContainerClient
) -> None:
    container.upload_blob("a", b"AAAA")
    machine = copying()
    with mount_volume(volume, machine.root, machine.context) as mounted:
        path = mounted.target / "a"
        times = path.stat()
        path.write_bytes(b"BBBB")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert content(container, "a") == b"BBBB"


def test_one_file_that_cannot_be_uploaded_does_not_stop_the_others(
    copying: Build, volume: Volume, container: ContainerClient
) -> None:
    container.upload_blob("b", b"old")
    machine = copying(refused=frozenset({"b"}))
    with (
        pytest.raises(UnmountError, match=r"1 of 3 files could not be uploaded .*b: ") as caught,
        mount_volume(volume, machine.root, machine.context) as mounted,
    ):
        for name in ("a", "b", "c"):
            (mounted.target / name).write_text(name)
    assert content(container, "a") == b"a" and content(container, "c") == b"c"
    assert str(mounted.target) in caught.value.hint
    assert (mounted.target / "b").read_text() == "b"
    assert machine.failures == [caught.value]


def test_what_is_too_deep_for_a_name_is_reported_and_left_out(
    copying: Build, volume: Volume, container: ContainerClient
) -> None:
    machine = copying()
    with mount_volume(volume, machine.root, machine.context) as mounted:
        (mounted.target / "made.txt").write_bytes(b"made")
        deep(mounted.target / "deep", 1600, "d")
    assert names(container) == {"made.txt"}
    assert "too deep are not uploaded: 'deep/d/d/" in machine.log
    assert not mounted.target.exists() and list(machine.context.work.iterdir()) == []


def test_links_are_not_followed_out_of_the_volume(
    copying: Build, volume: Volume, container: ContainerClient, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("of the machine")
    machine = copying()
    with mount_volume(volume, machine.root, machine.context) as mounted:
        (mounted.target / "link").symlink_to(tmp_path / "secret")
        (mounted.target / "folder").symlink_to(tmp_path)
        os.mkfifo(mounted.target / "pipe")
    assert names(container) == set()
    assert "not uploaded: 'folder', 'link', 'pipe'" in machine.log
    assert (tmp_path / "secret").exists()


def test_blobs_that_cannot_be_files_are_left_out_and_reported(
    copying: Build, volume: Volume, container: ContainerClient
) -> None:
    for name in ("ok", "a", "a/b", "-dash", "b//c"):
        container.upload_blob(name, b"content")
    container.upload_blob("marker/", b"")
    container.upload_blob("empty", b"")
    machine = copying()
    with mount_volume(volume, machine.root, machine.context) as mounted:
        found = {str(p.relative_to(mounted.target)) for p in mounted.target.rglob("*") if p.is_file()}
    assert found >= {"ok", "a/b", "empty", "-dash"}
    assert "2 blobs cannot be files on this machine and are left out: 'a', 'b//c'" in machine.log


def test_a_read_only_volume_is_not_written(
    copying: Build, volume: Volume, container: ContainerClient
) -> None:
    machine = copying()
    read_only = replace(volume, mount_options="-o ro")
    with mount_volume(read_only, machine.root, machine.context) as mounted:
        (mounted.target / "new").write_text("x")
    assert names(container) == set() and not mounted.target.exists()


def test_what_somebody_else_changed_too_is_reported(
    copying: Build, volume: Volume, container: ContainerClient
) -> None:
    container.upload_blob("both", b"0")
    machine = copying()
    with mount_volume(volume, machine.root, machine.context) as mounted:
        (mounted.target / "both").write_bytes(b"mine")
        container.upload_blob("both", b"theirs", overwrite=True)
    assert content(container, "both") == b"mine"
    assert "changed by somebody else" in machine.log and "'both'" in machine.log


def test_a_missing_container_fails_the_mount_and_leaves_nothing(
    copying: Build, volume: Volume, container: ContainerClient
) -> None:
    container.delete_container()
    machine = copying()
    with (
        pytest.raises(MountError, match="could not be downloaded") as caught,
        mount_volume(volume, machine.root, machine.context),
    ):
        pytest.fail("it must not be mounted")
    assert caught.value.code == "BFSMountError"
    assert "exists and is spelled right" in caught.value.hint
    assert list(machine.root.iterdir()) == []


def test_it_is_what_is_left_where_fuse_is_missing(copying: Build, machine: Machine, volume: Volume) -> None:
    without = machine.having(drivers={})
    assert without.context.containers is None
    both = copying().having(drivers={volume.kind: ("nosuch", "copy")})
    with mount_volume(volume, both.root, both.context) as mounted:
        assert mounted.driver == "copy"
    assert "nosuch: there is no such driver" in machine.log


def test_two_threads_may_copy_at_once(
    copying: Build, volume: Volume, container: ContainerClient, tmp_path: Path
) -> None:
    container.upload_blob("a", b"a")
    machine = copying()
    failures: list[BaseException] = []

    def job(number: int) -> None:
        try:
            with mount_volume(volume, tmp_path / f"root{number}", machine.context) as mounted:
                (mounted.target / f"out{number}").write_text("x")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=job, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == [] and names(container) == {"a", "out0", "out1"}


def test_a_name_that_leaves_the_volume_is_not_followed(machine: Machine, volume: Volume) -> None:
    class Hostile:
        """What no server should answer: names that lead elsewhere."""

        size, etag = 1, "e"

        def __init__(self, name: str) -> None:
            self.name = name

        def list(self) -> list["Hostile"]:
            return [Hostile(name) for name in ("../escape", "/tmp/escape", "a/../../escape", "a\x00b")]

        def download(self, name: str, path: Path) -> None:
            raise AssertionError(f"must not be asked for {name!r}")

        def upload(self, name: str, path: Path) -> str:
            raise AssertionError(f"must not be given {name!r}")

    context = replace(machine.context, containers=lambda _: Hostile(""), drivers={volume.kind: ("copy",)})
    with mount_volume(volume, machine.root, context) as mounted:
        assert list(mounted.target.iterdir()) == []
    assert "4 blobs cannot be files" in machine.log


def test_a_container_larger_than_the_disk_is_refused_before_the_download(
    machine: Machine, volume: Volume
) -> None:
    class Huge:
        """A container of one blob that nobody may download."""

        name, size, etag = "huge", 1 << 60, "e"

        def list(self) -> list["Huge"]:
            return [self]

        def download(self, name: str, path: Path) -> None:
            raise ResourceNotFoundError("must not be asked")

        def upload(self, name: str, path: Path) -> str:
            raise ResourceNotFoundError("must not be given")

    context: MountContext = replace(
        machine.context, containers=lambda _: Huge(), drivers={volume.kind: ("copy",)}
    )
    with (
        pytest.raises(MountError, match="are free on this machine"),
        mount_volume(volume, machine.root, context),
    ):
        pytest.fail("it must not be mounted")


def test_what_is_new_is_carried_while_the_copy_stays(
    copying: Build, volume: Volume, container: ContainerClient
) -> None:
    container.upload_blob("in", b"old")
    machine = copying()
    with mount_volume(volume, machine.root, machine.context) as mounted:
        (mounted.target / "in").write_bytes(b"new")
        (mounted.target / "out").write_bytes(b"made")
        mounted.settle(machine.said.append)
        assert (content(container, "in"), content(container, "out")) == (b"new", b"made")
        before = etag(container, "in"), etag(container, "out")
        mounted.settle(machine.said.append)
        assert (etag(container, "in"), etag(container, "out")) == before, "not written twice"
        (mounted.target / "in").write_bytes(b"newer")
        mounted.settle(machine.said.append)
    assert content(container, "in") == b"newer" and etag(container, "out") == before[1]
    assert "somebody else" not in machine.log, "the writes before were our own"


def test_what_cannot_be_carried_while_the_copy_stays_is_tried_again_at_the_end(
    copying: Build, volume: Volume, container: ContainerClient
) -> None:
    machine = copying()
    with mount_volume(volume, machine.root, machine.context) as mounted:
        (mounted.target / "a").write_bytes(b"first")
        mounted.settle(machine.said.append)
        lease = container.get_blob_client("a").acquire_lease()
        for name in ("a", "b"):
            (mounted.target / name).write_bytes(b"second")
        with pytest.raises(UnmountError, match="1 of 2 files could not be uploaded"):
            mounted.settle(machine.said.append)
        assert content(container, "b") == b"second"
        lease.release()
    assert content(container, "a") == b"second"
    assert machine.failures == []
