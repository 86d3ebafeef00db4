"""The emulator as a server: on its own (`serve`) or in a thread of a larger program (`FilesServer`)."""

import base64
import fcntl
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn

from local.files.app import create_app
from local.files.records import SHARE, RecordStore
from local.files.state import Emulator
from local.files.targets import Target
from local.files.tree import Tree

#: The account every Azure Storage emulator knows, and its published key. No secret.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_START_SECONDS = 10.0
_GRACE_SECONDS = 3
_KEEP_ALIVE_SECONDS = 120


class InUseError(Exception):
    """Another emulator serves this directory; its locks and leases would not hold across two."""


@contextmanager
def open_emulator(
    root: Path,
    account: str = ACCOUNT,
    key: str = KEY,
    aliases: Sequence[str] = (),
    takes_keys: bool = True,
) -> Iterator[Emulator]:
    """The emulator over `root`, which is created. Raises InUseError, or ValueError for a bad key.

    `aliases`: further names of the account, with the same shares and the same key; `takes_keys` False:
    what is signed with it is refused, tokens are taken.
    """
    try:
        secret = base64.b64decode(key, validate=True)
    except ValueError as error:
        raise ValueError("the account key must be base64, as Azure shows it") from error
    tree = Tree(root.absolute())
    with (tree.own / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUseError(f"another emulator serves {root}: stop it or choose another --root") from error
        records = RecordStore(tree.own / "records.sqlite")
        try:
            records.sweep(lambda share, path: _inode(tree, share, path))
            yield Emulator((account, *aliases), secret, tree, records, takes_keys=takes_keys)
        finally:
            records.close()


def connection_string(url: str, account: str = ACCOUNT, key: str = KEY) -> str:
    """For ShareServiceClient.from_connection_string and rclone; `url` ends in the account's name."""
    return f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};FileEndpoint={url};"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. OSError where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=512)
    # asyncio does it only for sockets with an explicit protocol; without it a GET waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url_of(listener: socket.socket, account: str) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/{account}"


@dataclass(frozen=True)
class Tls:
    """PEM files of a certificate and its key; none: plain HTTP."""

    certificate: Path | None = None
    key: Path | None = None


PLAIN = Tls()


def uvicorn_server(emulator: Emulator, tls: Tls = PLAIN) -> uvicorn.Server:
    config = uvicorn.Config(
        create_app(emulator),
        ssl_certfile=tls.certificate,
        ssl_keyfile=tls.key,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,  # the program's own logging decides; a library configures none
        log_level="warning",
        access_log=False,  # it would print signatures; app.py logs requests without them
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return uvicorn.Server(config)


def serve(
    emulator: Emulator,
    listener: socket.socket,
    stop: Callable[[uvicorn.Server], None],
    tls: Tls = PLAIN,
) -> None:
    """Serves until stopped. `stop` is called once with the server, to arrange for its `should_exit`."""
    server = uvicorn_server(emulator, tls)
    stop(server)
    server.run(sockets=[listener])


class FilesServer:
    """The emulator in a thread: `with FilesServer(directory) as files: client(files.connection_string)`."""

    def __init__(
        self,
        root: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        account: str = ACCOUNT,
        key: str = KEY,
        aliases: Sequence[str] = (),
        takes_keys: bool = True,
    ) -> None:
        """`aliases`, `takes_keys`: as in `open_emulator`."""
        self._root, self._host, self._port, self._aliases = root, host, port, aliases
        self._takes_keys = takes_keys
        self.account, self.key = account, key
        self.url = ""  #: http://HOST:PORT/ACCOUNT once started
        self._stack = ExitStack()

    @property
    def connection_string(self) -> str:
        return connection_string(self.url, self.account, self.key)

    def start(self) -> Self:
        with ExitStack() as stack:
            emulator = stack.enter_context(
                open_emulator(self._root, self.account, self.key, self._aliases, self._takes_keys)
            )
            listener = stack.enter_context(listen(self._host, self._port))
            server = uvicorn_server(emulator)
            thread = threading.Thread(
                target=server.run, kwargs={"sockets": [listener]}, name="files-emulator"
            )
            thread.start()
            stack.callback(_stop, server, thread)
            # The socket listens already: whoever connects before the loop runs waits in its backlog.
            self.url = url_of(listener, self.account)
            self._stack = stack.pop_all()
        return self

    def stop(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _stop(server: uvicorn.Server, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join(_START_SECONDS + _GRACE_SECONDS)


def _inode(tree: Tree, share: str, path: str) -> int | None:
    # A share that is away (not mounted yet, say) keeps its records: its inode decides when it is back.
    if not (tree.root / share).is_dir():
        return None
    entry = tree.find(Target(share, "" if path == SHARE else path))
    return entry.inode if entry else None
