"""What was written is in the volume while it stays mounted: rclone on a real /dev/fuse, a real fusectl."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from runner.machine import mountinfo
from runner.mounts import write_back
from runner.mounts.drivers import rclone_control
from runner.mounts.mount import mount_volume
from runner.mounts.types import UnmountError, Volume
from tests.integration.mounts.conftest import Machine
from tests.integration.mounts.test_rclone import rclone_of
from tests.support.needs import need
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("fuse")


@pytest.fixture
def fusectl(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What systemd mounts at /sys/fs/fuse/connections, for this test."""
    need(None if os.geteuid() == 0 else "mounting fusectl needs root")
    folder = tmp_path_factory.mktemp("connections")
    subprocess.run(["mount", "-t", "fusectl", "none", str(folder)], check=True)
    monkeypatch.setattr(write_back, "_CONNECTIONS", folder)
    yield
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What rclone is asked over its control socket."""
    methods: list[str] = []
    call = rclone_control.call

    def counted(path: Path, method: str, *rest: Any) -> dict[str, Any]:
        methods.append(method)
        return call(path, method, *rest)

    monkeypatch.setattr(rclone_control, "call", counted)
    return methods


@pytest.mark.usefixtures("fusectl")
def test_one_question_is_enough_where_the_kernel_shows_that_nothing_is_on_its_way(
    machine: Machine, volume: Volume, container: ContainerClient, asked: list[str]
) -> None:
    with mount_volume(volume, machine.root, machine.context) as mounted:
        (mounted.target / "a").write_bytes(b"x")
        mounted.settle(machine.said.append)
        assert [blob.name for blob in container.list_blobs()] == ["a"]
        asked.clear()
        mounted.settle(machine.said.append)
        assert asked == ["vfs/stats"]


def test_where_nothing_shows_it_is_asked_until_it_is_quiet(
    machine: Machine,
    volume: Volume,
    asked: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(write_back, "_CONNECTIONS", tmp_path / "none")
    with mount_volume(volume, machine.root, machine.context) as mounted:
        asked.clear()
        mounted.settle(machine.said.append)
        assert asked == ["vfs/stats"] * 3


@pytest.mark.usefixtures("fusectl")
def test_a_program_that_does_not_answer_is_reported_and_waited_for(machine: Machine, volume: Volume) -> None:
    with mount_volume(volume, machine.root, machine.having(timeout_seconds=5).context) as mounted:
        found = mountinfo.mounted_at(mounted.target)
        assert found and eventually(lambda: write_back.requests(found) == 0)
        (rclone,) = rclone_of(machine)
        rclone.send_signal(signal.SIGSTOP)
        with subprocess.Popen(["stat", mounted.target / "nobody"], stderr=subprocess.DEVNULL):
            eventually(lambda: write_back.requests(found))
            with pytest.raises(UnmountError, match="requests got no answer within 0 s"):
                write_back.wait_for_answers(volume, found, machine.said.append, 0.2)
            rclone.send_signal(signal.SIGCONT)
            assert write_back.wait_for_answers(volume, found, machine.said.append, 10)
        mounted.settle(machine.said.append)
