"""A log file, and how it is shown over HTTP. PURE."""

from dataclasses import dataclass
from typing import Any

from shared.environment.log_streams import LogStream


@dataclass(frozen=True)
class LogFile:
    """A file beside stdout.txt. `name` begins with the output directory's id."""

    name: str
    stream: LogStream
    attempt: int
    size: int  #: bytes
    final: bool  #: nothing will follow in it


def log_resource(file: LogFile) -> dict[str, Any]:
    """An entry of `GET …/logs`; node and process are null where the name does not say."""
    return {
        "name": file.name,
        "stream": file.stream.stream,
        "node": file.stream.node,
        "process": file.stream.process,
        "attempt": file.attempt,
        "sizeBytes": file.size,
        "final": file.final,
    }
