"""Serves HTTP until asked to stop, with the listeners beside it."""

import asyncio
import os
import signal
import socket
import sys
import time
from types import FrameType
from typing import Any

import uvicorn

from local.host.errors import HostError
from local.host.host import Host

#: Below the ten seconds that supervisors usually give before they kill.
_GRACE_SECONDS = 5


def listen(address: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises HostError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
    except OSError as error:
        sock.close()
        raise HostError(
            f"{address}:{port} cannot be listened on: {error.strerror}.",
            "Stop what uses the port, or choose another one with --port (0 takes a free one).",
        ) from None
    return sock


class _Server(uvicorn.Server):
    """Starts the host when HTTP answers, and stops its polling with the first signal."""

    def __init__(self, config: uvicorn.Config, host: Host, ready: str) -> None:
        super().__init__(config)
        self._host = host
        self._ready = ready
        self.stopped_at = 0.0  #: monotonic time of the first signal

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._host.start()
        print(self._ready)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.stopped_at = self.stopped_at or time.monotonic()
        self._host.stop_polling()
        super().handle_exit(sig, frame)


def serve(app: Any, host: Host, sock: socket.socket, ready: str) -> None:
    """Run until SIGINT or SIGTERM, then end in order: no new work, wait, give back what does not end.

    A `def` function cannot be interrupted; where one is still running after the grace the process ends hard,
    with exit code 0, and its message comes again at the next start.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS - 1,
    )
    server = _Server(config, host, ready)

    def stop(*_: object) -> None:
        # Also called after the end: uvicorn raises the signals it caught once more.
        server.should_exit = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    asyncio.run(server.serve([sock]))
    print("Stopping: waiting for running functions")
    deadline = (server.stopped_at or time.monotonic()) + _GRACE_SECONDS
    left = host.finish(deadline)
    print(f"Stopped; {len(left)} invocations were cut off" if left else "Stopped")
    if left:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
