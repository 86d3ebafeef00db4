"""The host: one app's functions with their listeners, started and stopped together."""

import hashlib
import logging
import platform
import re
import threading
from collections.abc import Mapping
from pathlib import Path

from local.host.blob_functions import BlobFunctions
from local.host.blob_messages import BlobMessage
from local.host.connections import Connections
from local.host.loop import Loop, one_line
from local.host.model import BlobTrigger, Function, QueueTrigger, TimerTrigger, Timing
from local.host.queue_functions import QueueFunctions
from local.host.queue_listener import QueueListener
from local.host.settings import HostSettings
from local.host.timers import TimerFunctions
from local.host.worker import Worker

log = logging.getLogger("host")


def host_id(directory: Path, environment: Mapping[str, str]) -> str:
    """The setting AzureFunctionsWebHost__hostid, else the machine's name and a hash of `directory`."""
    if chosen := environment.get("AzureFunctionsWebHost__hostid", "").lower():
        return chosen
    machine = re.sub(r"[^a-z0-9]+", "-", platform.node().lower()).strip("-")[:20].strip("-") or "local"
    return f"{machine}-{hashlib.sha256(str(directory).encode()).hexdigest()[:10]}"


class Host:
    """Building it checks everything that can be checked (HostError); `start` runs it."""

    def __init__(
        self,
        name: str,
        functions: list[Function],
        settings: HostSettings,
        connections: Connections,
        worker: Worker,
        timing: Timing,
    ) -> None:
        self.host_id = name
        self.functions = {function.name.lower(): function for function in functions}
        self._connections = connections
        self._worker = worker
        self._loops: list[Loop] = []
        self._listeners: list[QueueListener] = []
        # Host storage is asked for only where a trigger needs it: an HTTP app runs without.
        self._blobs: BlobFunctions | None = None
        self._timers: TimerFunctions | None = None
        if blobs := [f for f in functions if isinstance(f.trigger, BlobTrigger)]:
            self._blobs = BlobFunctions(name, blobs, settings, connections, worker, timing)
            self._loops += self._blobs.loops
            self._listeners += self._blobs.listeners
        if timers := [f for f in functions if isinstance(f.trigger, TimerTrigger)]:
            self._timers = TimerFunctions(name, timers, connections, worker)
            self._loops += self._timers.loops
        queues = [f for f in functions if isinstance(f.trigger, QueueTrigger)]
        self._queues = QueueFunctions(queues, settings, connections, worker, timing)
        self._listeners += self._queues.listeners

    def start(self) -> None:
        self._worker.start()
        for listener in self._listeners:
            listener.start()
        for loop in self._loops:
            loop.start()

    def stop_polling(self) -> None:
        """Take on nothing new. Safe to call from a signal handler, and twice."""
        for listener in self._listeners:
            listener.stop()
        for loop in self._loops:
            loop.stop()

    def finish(self, deadline: float) -> list[str]:
        """Wait until `deadline` (monotonic) for what runs, give back what does not end.

        Returns the ids of invocations still running; then only the end of the process stops them.
        """
        self.stop_polling()
        for listener in self._listeners:
            listener.drain(deadline)
        left = self._worker.stop(deadline)
        for loop in self._loops:
            loop.join(1.0)
        if not left:
            self._connections.close()
        return left

    def enqueue(self, message: BlobMessage) -> None:
        """Send a blob message and wake its reader. Raises AzureError."""
        assert self._blobs is not None, "only blob functions are asked for"
        self._blobs.enqueue(message)

    def invoke(self, function: Function, value: str) -> None:
        """Start a function by hand and return at once. Raises ValueError for a value that does not fit it."""
        part: BlobFunctions | QueueFunctions | TimerFunctions | None = None
        if isinstance(function.trigger, BlobTrigger):
            part = self._blobs
            if not all(value.partition("/")):
                raise ValueError("the input must be container/name")
        elif isinstance(function.trigger, QueueTrigger):
            part = self._queues
        elif isinstance(function.trigger, TimerTrigger):
            part = self._timers
        if part is None:
            raise ValueError("an HTTP function is called by its route")
        run = part.run

        def guarded() -> None:
            try:
                run(function, value)
            except Exception as error:
                log.info("The call of %s by hand failed: %s", function.name, one_line(error))

        threading.Thread(target=guarded, name=f"call of {function.name}", daemon=True).start()
