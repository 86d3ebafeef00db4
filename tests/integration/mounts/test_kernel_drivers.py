"""cifs and nfs for real: the production drivers in a guest kernel, against Samba and Ganesha on the host."""

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from local import processes
from runner.mounts.types import FILE_SERVER, FILE_SHARE, Volume
from tests.support import file_servers, guest
from tests.support.guest import Guest
from tests.support.needs import need
from tests.support.waiting import eventually

REPOSITORY = Path(__file__).parents[3]
ACCOUNT, KEY = "devstoreaccount1", "Zm9yIHRoZSB0ZXN0cyBvbmx5/+=="
HOST = f"{ACCOUNT}.file.core.windows.net"
SHARE = Volume(FILE_SHARE, "afs", account=ACCOUNT, share="logs", key=KEY)


@pytest.fixture(scope="module")
def machine() -> Iterator[Guest]:
    """One guest for all tests here (2.5 s). Its folder is short: UML keeps a socket in it."""
    need(guest.missing() or file_servers.missing())
    with (
        tempfile.TemporaryDirectory(prefix="uml-") as folder,
        guest.boot(Path(folder), names=(HOST,)) as running,
    ):
        yield running


@pytest.fixture
def files(tmp_path: Path) -> Path:
    path = tmp_path / "files"
    path.mkdir()
    return path


@pytest.fixture
def smb(machine: Guest, tmp_path: Path, files: Path) -> Iterator[processes.Child]:
    with file_servers.samba(tmp_path / "smb", "logs", files, ACCOUNT, KEY) as child:
        yield child


@pytest.fixture
def nfs_port() -> int:
    return processes.free_port()


@pytest.fixture
def nfs(machine: Guest, tmp_path: Path, files: Path, nfs_port: int) -> Iterator[processes.Child]:
    with file_servers.ganesha(tmp_path / "nfs", "/data", files, nfs_port) as child:
        yield child


@pytest.fixture
def server(nfs_port: int) -> Volume:
    return Volume(
        FILE_SERVER,
        "nfs",
        server="host.guest",
        source_directory="/data",
        mount_options=f"rw,port={nfs_port}",
    )


def begin(machine: Guest, volume: Volume, **more: object) -> str:
    """Start `mount_and_work` in the guest."""
    asked = {"volume": asdict(volume), "root": "/mnt/mounts", "work": "/run/work", **more}
    name = f"ask-{id(asked)}.json"
    (machine.folder / name).write_text(json.dumps(asked))
    return machine.start(
        f"cd {REPOSITORY} && exec {sys.executable} -m tests.support.mount_and_work /run/host/{name}"
    )


def finish(machine: Guest, name: str) -> dict[str, Any]:
    result = machine.result(name, 90)
    assert result.ok, result.output
    answer: dict[str, Any] = json.loads(result.output.splitlines()[-1])
    return answer


def work(machine: Guest, volume: Volume, **more: object) -> dict[str, Any]:
    return finish(machine, begin(machine, volume, **more))


@pytest.mark.usefixtures("smb")
def test_a_share_by_smb(machine: Guest, files: Path) -> None:
    answer = work(machine, replace(SHARE, file_mode="0640"), mebibytes=20)
    assert "error" not in answer, answer
    assert (answer["driver"], answer["fstype"], answer["read"]) == ("cifs", "cifs", "one two")
    assert {"nosuid", "nodev"} <= set(answer["options"]) and answer["mode"] == "0o640"
    assert (files / "out/b.txt").read_text() == "one two" and (files / "big").stat().st_size == 20 << 20
    assert answer["left"] == [] and answer["mount_seconds"] < 10
    assert KEY not in json.dumps(answer)


@pytest.mark.usefixtures("smb")
def test_the_key_stays_in_no_file_and_on_no_command_line(machine: Guest) -> None:
    go = machine.folder / "go"
    name = begin(machine, SHARE, wait_for="/run/host/go")
    eventually(lambda: "MOUNTED" in machine.output(name), 40)
    found = machine.run(
        "cat /proc/mounts /proc/*/cmdline | tr '\\0' ' '; grep -rl 'password=' /run/batchai-* /run/work"
    )
    go.touch()
    answer = finish(machine, name)
    go.unlink()
    assert "error" not in answer, answer
    assert "cifs" in found.output and KEY not in found.output and "credentials\n" not in found.output


@pytest.mark.usefixtures("smb")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": "d3Jvbmc="}, "error(13).*account key"),
        ({"share": "nothere"}, "error(2).*spelled right"),
        ({"account": "unknown", "endpoint": "https://nobody.invalid"}, "nobody.invalid.*name resolution"),
    ],
)
def test_a_share_that_cannot_be_mounted(machine: Guest, change: dict[str, str], words: str) -> None:
    answer = work(machine, replace(SHARE, **change))
    assert answer["code"] == "AZFMountError" and answer["type"] == "MountError"
    for word in words.split(".*"):
        assert word in answer["error"], answer
    assert answer["left"] == [] and answer["seconds"] < 60


def test_a_closed_port_is_reported_with_the_way_out(machine: Guest) -> None:
    answer = work(machine, SHARE)
    assert answer["code"] == "AZFMountError" and "445" in answer["error"] and "rclone" in answer["error"]
    assert answer["seconds"] < 30


def test_an_smb_server_that_dies_under_the_job(machine: Guest, smb: processes.Child) -> None:
    go = machine.folder / "go-smb"
    name = begin(machine, SHARE, wait_for="/run/host/go-smb", timeout=30)
    eventually(lambda: "MOUNTED" in machine.output(name), 40)
    smb.stop(0)
    go.touch()
    answer = finish(machine, name)
    assert answer["left"] == [] and answer["undo_seconds"] < 60


@pytest.mark.usefixtures("nfs")
def test_a_file_server_by_nfs(machine: Guest, server: Volume, files: Path) -> None:
    answer = work(machine, server, mebibytes=20)
    assert "error" not in answer, answer
    assert (answer["driver"], answer["fstype"], answer["read"]) == ("nfs", "nfs4", "one two")
    assert {"nosuid", "nodev"} <= set(answer["options"])
    assert (files / "out/b.txt").read_text() == "one two" and answer["left"] == []


@pytest.mark.usefixtures("nfs")
def test_a_directory_the_server_does_not_export(machine: Guest, server: Volume) -> None:
    answer = work(machine, replace(server, source_directory="/nothere"))
    assert answer["code"] == "NFSMountError" and "spelled right" in answer["error"], answer
    assert answer["left"] == []


def test_a_file_server_that_is_not_there(machine: Guest, server: Volume) -> None:
    answer = work(machine, server)
    assert answer["code"] == "NFSMountError" and "Nothing answers" in answer["error"], answer
    assert answer["seconds"] < 30


def test_an_nfs_server_that_dies_under_the_job(machine: Guest, nfs: processes.Child, server: Volume) -> None:
    go = machine.folder / "go-nfs"
    name = begin(machine, server, wait_for="/run/host/go-nfs", timeout=3)
    eventually(lambda: "MOUNTED" in machine.output(name), 40)
    nfs.stop(0)
    go.touch()
    answer = finish(machine, name)
    assert answer["left"] == [] and answer["undo_seconds"] < 60
    # syncfs has waited in vain; with nothing written since, unmounting may need no force after that.
    assert answer["type"] == "UnmountError", answer
    assert "by force" in answer["error"] or "gave no answer within 3 s" in answer["error"], answer
