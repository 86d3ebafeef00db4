"""Looking for secret values, however spelt, in all that an installation keeps, writes, runs and answers."""

import base64
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus

from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

_SAMPLE_SECONDS = 0.03
#: A process is looked at each time for so long, in which it may become another program; later once in it.
_NEW_SECONDS = 1.0

#: (where, what lies there)
Places = Iterator[tuple[str, bytes]]


def spellings(value: str) -> set[bytes]:
    """Plain, as JSON, Python and URLs write it, and base64 at each of the three alignments."""
    found = {
        value.encode(),
        json.dumps(value)[1:-1].encode(),
        repr(value)[1:-1].encode(),
        *(quote(value, safe=safe).encode() for safe in ("", "/")),
        quote_plus(value).encode(),
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            encoded = encode(b"\0" * shift + value.encode())
            found.add(encoded[4 if shift else 0 : -4])
    return found


def leaks(places: Iterable[tuple[str, bytes]], values: Iterable[str]) -> list[tuple[str, str]]:
    """(where, value) of every secret that lies open."""
    wanted = [(value, form) for value in values for form in spellings(value)]
    return sorted({(where, value) for where, data in places for value, form in wanted if form in data})


def state(connection_string: str) -> Places:
    """Every entity, message and blob of an account."""
    with TableServiceClient.from_connection_string(connection_string) as tables:
        for table in tables.list_tables():
            for entity in tables.get_table_client(table.name).list_entities():
                yield f"table {table.name}", repr(dict(entity)).encode()
    with QueueServiceClient.from_connection_string(connection_string) as queues:
        for queue in queues.list_queues():
            for message in queues.get_queue_client(queue.name).peek_messages(max_messages=32):
                yield f"queue {queue.name}", str(message.content).encode()
    with BlobServiceClient.from_connection_string(connection_string) as blobs:
        for container in blobs.list_containers():
            client = blobs.get_container_client(container.name)
            for blob in client.list_blobs(include=["metadata"]):
                yield f"blob {container.name}/{blob.name}", client.download_blob(blob.name).readall()
                yield f"metadata of {container.name}/{blob.name}", repr(blob.metadata).encode()


def files(folder: Path) -> Places:
    """Every file below a folder, and its name."""
    for path in sorted(folder.rglob("*")):
        yield f"name {path.relative_to(folder)}", str(path.relative_to(folder)).encode()
        if path.is_file() and not path.is_symlink():
            yield f"file {path}", path.read_bytes()


class CommandLines:
    """What `ps` would have shown at any moment of a time."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._since: dict[str, float] = {}  #: process -> when it was seen first
        self._all_at = 0.0  #: when all were looked at

    def has_seen(self, *words: str) -> bool:
        """Whether all of `words` stood in one of them."""
        lines = tuple(self._seen)  # the thread that looks adds to it
        return any(all(word.encode() in line for word in words) for line in lines)

    def places(self) -> Places:
        """Every command line that was seen."""
        for line in tuple(self._seen):
            yield f"ps: {line[:200]!r}", line.replace(b"\0", b" ")

    def sample(self) -> None:
        """Look once, at processes that are new; now and then at all of them."""
        now = time.monotonic()
        look_at_all = now - self._all_at > _NEW_SECONDS
        self._since = {name: self._since.get(name, now) for name in _processes()}
        for name, since in self._since.items():
            if not look_at_all and now - since > _NEW_SECONDS:
                continue
            try:
                self._seen.add(Path(f"/proc/{name}/cmdline").read_bytes())
            except OSError:
                continue  # it has ended
        self._all_at = now if look_at_all else self._all_at


def _processes() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208  # a tenth of iterdir's time


@contextmanager
def command_lines() -> Iterator[CommandLines]:
    """Samples the command lines of all processes inside the block."""
    lines, done = CommandLines(), threading.Event()

    def look() -> None:
        while not done.wait(_SAMPLE_SECONDS):
            lines.sample()

    thread = threading.Thread(target=look, name="ps")
    thread.start()
    try:
        yield lines
    finally:
        done.set()
        thread.join()
