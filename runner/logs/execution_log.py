"""execution.log: what the runner says to the job's owner."""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class ExecutionLog:
    """execution.log: what the runner says to the job's owner. Thread-safe; one line a call."""

    def __init__(self, path: Path, now: Callable[[], str], redact: Callable[[str], str]) -> None:
        self._path = path
        self._now = now
        self._redact = redact
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Append a line, secrets struck out. A full disk loses the line and nothing else."""
        line = f"{self._now()} {self._redact(text)}\n".encode()
        try:
            with self._lock:
                # A file object would cost more than the line.
                file = os.open(self._path, _APPEND, 0o666)
                try:
                    os.write(file, line)
                finally:
                    os.close(file)
        except OSError as error:
            log.warning("execution.log: %s", error, extra={"action": "diary"})
