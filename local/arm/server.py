"""The stand-in as a server: on its own (`serve`) or in a thread of a larger program (`ArmServer`)."""

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import uvicorn

from local.arm.app import create_app, events_url
from local.arm.cloud import Cloud

_log = logging.getLogger(__name__)
_TICK_SECONDS = 0.05
#: A runner is gone so long after it was asked to: runner/agent/shutdown.py.
_CLOSE_SECONDS = 19.0
_GRACE_SECONDS = 1


class Fabric:
    """The one thread that starts and ends machines. The kernel ends a child when the *thread* that started it
    ends, so this one lives as long as the process has machines."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fabric")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(_TICK_SECONDS):
            try:
                self._cloud.tick()
            except Exception:
                # One machine that cannot be ended must not keep the others from being.
                _log.exception("a turn of the fabric failed")
        self._cloud.close(_CLOSE_SECONDS)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. OSError where the port is taken."""
    listener = socket.create_server((host, port), backlog=128)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def uvicorn_server(cloud: Cloud, token: str) -> uvicorn.Server:
    config = uvicorn.Config(
        create_app(cloud, token),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        # An answer that is lost on purpose is an error to uvicorn.
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return uvicorn.Server(config)


def serve(cloud: Cloud, listener: socket.socket, token: str, stop: Callable[[uvicorn.Server], None]) -> None:
    """Serve until stopped; every machine is off then. `stop` is called once with the server, to arrange for
    its `should_exit`."""
    server = uvicorn_server(cloud, token)
    base = url_of(listener)
    cloud.events_url = lambda vm: events_url(base, vm)
    stop(server)
    with Fabric(cloud):
        server.run(sockets=[listener])


class ArmServer:
    """The stand-in in a thread: `with ArmServer(cloud, "token") as arm: client(arm.url)`."""

    def __init__(self, cloud: Cloud, token: str) -> None:
        self.cloud, self.token = cloud, token
        self.url = ""  #: http://HOST:PORT once started
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            listener = stack.enter_context(listen("127.0.0.1", 0))
            base = self.url = url_of(listener)
            self.cloud.events_url = lambda vm: events_url(base, vm)
            stack.enter_context(Fabric(self.cloud))
            server = uvicorn_server(self.cloud, self.token)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="arm")
            thread.start()
            stack.callback(_stop, server, thread)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _stop(server: uvicorn.Server, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join()
