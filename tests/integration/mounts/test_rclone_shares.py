"""rclone's azurefiles backend against the emulator of Azure Files."""

from dataclasses import replace

import pytest

from runner.mounts.mount import mount_volume
from runner.mounts.types import FILE_SHARE, Volume
from shared.errors import MountError
from tests.integration.mounts.conftest import FileService, Machine

pytestmark = pytest.mark.usefixtures("fuse")


@pytest.fixture
def volume(file_service: FileService) -> Volume:
    return Volume(
        FILE_SHARE,
        "share",
        account=file_service.account,
        key=file_service.key,
        share=file_service.new_share(),
        endpoint=file_service.endpoint,
    )


def test_a_share_is_read_and_written_like_a_directory(
    machine: Machine, volume: Volume, file_service: FileService
) -> None:
    share = file_service.root / volume.share
    (share / "in").mkdir()
    (share / "in/a.txt").write_text("hello")
    with mount_volume(volume, machine.root, machine.context) as mounted:
        assert mounted.driver == "rclone"
        assert (mounted.target / "in/a.txt").read_text() == "hello"
        (mounted.target / "out/deep").mkdir(parents=True)
        (mounted.target / "out/deep/b.txt").write_text("one")
        with (mounted.target / "out/deep/b.txt").open("a") as file:
            file.write(" two")
        (mounted.target / "big").write_bytes(b"x" * 10_000_000)
        (mounted.target / "in/a.txt").rename(mounted.target / "out/c.txt")
    assert (share / "out/deep/b.txt").read_text() == "one two"
    assert (share / "out/c.txt").read_text() == "hello"
    assert (share / "big").stat().st_size == 10_000_000


def test_modes_of_the_document_are_honoured(machine: Machine, volume: Volume) -> None:
    asked = replace(volume, file_mode="0640", directory_mode="0750")
    with mount_volume(asked, machine.root, machine.context) as mounted:
        (mounted.target / "file").write_text("x")
        (mounted.target / "folder").mkdir()
        assert (mounted.target / "file").stat().st_mode & 0o777 == 0o640
        assert (mounted.target / "folder").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize(
    ("change", "words", "hint"),
    [
        ({"key": "d3Jvbmc="}, "403", "account key"),
        ({"share": "nothere"}, "ShareNotFound", "exists and is spelled right"),
        ({"endpoint": "http://127.0.0.1:1/devstoreaccount1"}, "refused", "TCP port 1"),
    ],
)
def test_a_share_that_cannot_be_mounted_says_why(
    machine: Machine, volume: Volume, change: dict[str, str], words: str, hint: str
) -> None:
    with (
        pytest.raises(MountError, match=words) as caught,
        mount_volume(replace(volume, **change), machine.root, machine.context),
    ):
        pytest.fail("it must not be mounted")
    assert caught.value.code == "AZFMountError" and hint in caught.value.hint
    assert list(machine.context.work.iterdir()) == []
