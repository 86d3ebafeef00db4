"""Growing files: several writers, readers that poll, other processes; and the asynchronous SDK."""

import subprocess
import sys
import threading
from pathlib import Path

from azure.core.exceptions import HttpResponseError, ResourceModifiedError
from azure.storage.fileshare import ShareClient

from local.files.server import FilesServer
from tests.support.installing import python_of
from tests.support.waiting import eventually

LINE = b"0123456789abcde\n"

_APPENDER = """
import sys
from azure.storage.fileshare import ShareServiceClient
with ShareServiceClient.from_connection_string(sys.argv[1], retry_total=0) as service:
    client = service.get_share_client(sys.argv[2]).get_file_client(sys.argv[3])
    client.create_file(0)
    for number in range(int(sys.argv[4])):
        line = b"%s %06d\\n" % (sys.argv[3].encode(), number)
        client.resize_file(len(line) * (number + 1))
        client.upload_range(line, len(line) * number, len(line))
"""

_LOCAL_WRITER = """
import sys
with open(sys.argv[1], "ab", buffering=0) as log:
    for number in range(int(sys.argv[2])):
        log.write(b"0123456789abcde\\n")
"""


def append(share: ShareClient, name: str, lines: int) -> None:
    client = share.get_file_client(name)
    for number in range(lines):
        client.resize_file(len(LINE) * (number + 1))
        client.upload_range(LINE, len(LINE) * number, len(LINE))


def test_readers_never_see_a_torn_length(share: ShareClient) -> None:
    """Each size seen is a whole number of lines, never shrinks, and lines once written stay as they are."""
    share.get_file_client("log").create_file(0)
    writer = threading.Thread(target=append, args=(share, "log", 60))
    writer.start()
    reader, sizes, seen = share.get_file_client("log"), [], b""
    while len(seen) < 60 * len(LINE):
        size = reader.get_file_properties().size
        sizes.append(size)
        if size > len(seen):
            piece = reader.download_file(offset=len(seen), length=size - len(seen)).readall()
            assert len(piece) == size - len(seen)
            whole = [line for line in piece.split(b"\n") if line and b"\0" not in line]
            assert all(line + b"\n" == LINE for line in whole)
            # The last line may still be the zeros of the resize before its write, as in the service itself.
            seen += LINE * len(whole)
    writer.join()
    assert sizes == sorted(sizes)
    assert all(size % len(LINE) == 0 for size in sizes)
    assert seen == LINE * 60


def test_a_range_is_seen_whole_or_not_at_all(share: ShareClient) -> None:
    """A reader of a whole range sees one write or another, never half of each."""
    size = 2**20
    client = share.get_file_client("f")
    client.upload_file(b"a" * size)
    stop = threading.Event()

    def write() -> None:
        for number in range(12):
            client.upload_range((b"b" if number % 2 else b"a") * size, 0, size)
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not stop.is_set():
        found = client.download_file(offset=0, length=size).readall()
        assert len(set(found)) == 1
    writer.join()


def test_of_writers_with_the_same_condition_one_wins(share: ShareClient) -> None:
    """If-Match, the check and the write are one step: nobody overwrites what it has not seen."""
    client = share.get_file_client("f")
    client.upload_file(b"0")

    def write(headers: dict[str, str], won: list[bytes], mark: bytes) -> None:
        try:
            client.upload_range(mark, 0, 1, headers=headers)
        except ResourceModifiedError:
            return
        won.append(mark)

    for _ in range(10):
        won: list[bytes] = []
        headers = {"If-Match": client.get_file_properties().etag}
        threads = [threading.Thread(target=write, args=(headers, won, b"%d" % n)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert client.download_file().readall() == won[0]


def test_two_processes_append_and_both_are_complete(emulator: FilesServer, share: ShareClient) -> None:
    arguments = [emulator.connection_string, share.share_name]
    writers = [
        subprocess.Popen([sys.executable, "-c", _APPENDER, *arguments, name, "40"]) for name in ("one", "two")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    for name in ("one", "two"):
        expected = b"".join(b"%s %06d\n" % (name.encode(), number) for number in range(40))
        assert share.get_file_client(name).download_file().readall() == expected


def test_tail_of_a_file_another_process_writes(share: ShareClient, folder: Path) -> None:
    """HEAD, then a ranged GET of what is new: the way a log is followed."""
    lines = 20000
    with subprocess.Popen([sys.executable, "-c", _LOCAL_WRITER, folder / "log", str(lines)]) as writer:
        client = share.get_file_client("log")
        seen = bytearray()

        def follow() -> bool:
            try:
                size = client.get_file_properties().size
            except HttpResponseError as error:
                assert error.status_code == 404  # not there yet
                return False
            if size > len(seen):
                seen.extend(client.download_file(offset=len(seen), length=size - len(seen)).readall())
            return len(seen) == lines * len(LINE)

        eventually(follow, 30, interval=0.001)
        assert writer.wait(10) == 0
    assert seen == LINE * lines


def test_a_file_cut_short_is_read_again_from_the_start(share: ShareClient, folder: Path) -> None:
    client = share.get_file_client("log")
    (folder / "log").write_bytes(b"first run, long")
    assert client.get_file_properties().size == 15
    (folder / "log").write_bytes(b"second")
    assert client.get_file_properties().size == 6
    assert client.download_file(offset=0, length=100).readall() == b"second"


def test_the_asynchronous_sdk(emulator: FilesServer) -> None:
    script = Path(__file__).with_name("asynchronous_client.py")
    command = [str(python_of("asynchronous")), "-W", "error", str(script), emulator.connection_string]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "good\n"), done.stderr


def test_many_clients_at_once(share: ShareClient) -> None:
    """Several writers, each to its own file: nobody waits for ever, nothing is mixed up."""
    threads = []
    for number in range(8):
        share.get_file_client(str(number)).create_file(0)
        threads.append(threading.Thread(target=append, args=(share, str(number), 20)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for number in range(8):
        assert share.get_file_client(str(number)).download_file().readall() == LINE * 20
