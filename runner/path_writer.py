"""Writes log files on a mounted directory, on behalf of a runner that must not touch it: it may hang.

Run as a script by `runner.path_folder`, with nothing but the standard library. A request on stdin is a line
of JSON, for "append" followed by `length` bytes; the answer on stdout is a line, "ok" or what went wrong.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO


def main(requests: BinaryIO, answers: BinaryIO) -> None:
    """Serve requests until stdin ends."""
    for line in requests:
        asked = json.loads(line)
        data = requests.read(asked.get("length", 0))
        try:
            _do(asked, data)
            answer = "ok"
        except OSError as error:
            answer = f"{error.strerror or error}"
        answers.write(answer.encode() + b"\n")
        answers.flush()


def _do(asked: dict[str, Any], data: bytes) -> None:
    folder = Path(asked["folder"])
    if asked["do"] == "create":
        folder.mkdir(parents=True, exist_ok=True)
        return
    path = folder / asked["name"]
    if asked["do"] == "start":
        if asked["previous"] and os.path.lexists(path):
            path.replace(folder / asked["previous"])
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    else:
        flags = os.O_WRONLY | os.O_NOFOLLOW
    file = os.open(path, flags, 0o644)
    try:
        offset = asked.get("offset", 0)
        while data:
            written = os.pwrite(file, data, offset)
            data, offset = data[written:], offset + written
        # Or the kernel's cache keeps it from other machines for half a minute.
        os.fsync(file)
    finally:
        os.close(file)


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
