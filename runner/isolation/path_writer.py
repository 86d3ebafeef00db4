"""Makes folders and writes log files on behalf of a runner that must not touch them: a volume may hang, and
what lies on it, or what a job can write to, may hold symbolic links that were put there for a process of
root's.

Run as a script, with nothing but the standard library. `runner.logs.path_folder` sends requests on stdin: a
line of JSON, for "append" followed by `length` bytes; the answer on stdout is a line, "ok" or the fault.
`runner.isolation.job_folders` gives a single request as the argument.

Every request names a folder by `root` and `inner`. `root` is trusted; below it no symbolic link is followed,
and "root" of "" stands for a path that leads where it leads. `user` ([uid, gid] or null) is whom to act as.
Where that user may not, root does it in its stead and gives it the folders; never without a `root`.

A log file stays open from its start on: what a stalled runner still appends lands in its own file, which the
next attempt has renamed. "forget" closes them all: then one process serves attempt after attempt.
"""

import errno
import json
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

#: This file, to be run as a program.
SCRIPT = Path(__file__)
NOT_FOLLOWED = "is a symbolic link, which is not followed"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
#: Log files that were begun, by root, inner and name.
Files = dict[tuple[str, str, str], int]


def main(requests: BinaryIO, answers: BinaryIO) -> None:
    """Serve requests until stdin ends."""
    files: Files = {}
    for line in requests:
        asked = json.loads(line)
        data = requests.read(asked.get("length", 0))
        answers.write(answer(asked, data, files).encode() + b"\n")
        answers.flush()


def answer(asked: dict[str, Any], data: bytes, files: Files) -> str:
    """Do what a request asks: "ok", or the fault. `files`: those that are open, from request to request."""
    try:
        serve(asked, data, files)
    except OSError as error:
        return f"{error.strerror or error}"
    return "ok"


def serve(asked: dict[str, Any], data: bytes, files: Files) -> None:
    """Do what a request asks. Raises OSError."""
    user = asked.get("user")
    try:
        with _acting_as(user):
            _do(asked, data, files, owner=None)
    except PermissionError:
        if user is None or not asked["root"]:
            raise
        _do(asked, data, files, owner=user)


@contextmanager
def _acting_as(user: Sequence[int] | None) -> Iterator[None]:
    """The effective ids alone: the user can neither signal nor look into this process."""
    if user is None:
        yield
        return
    mine = os.getegid(), os.geteuid()
    os.setegid(user[1])
    os.seteuid(user[0])
    try:
        yield
    finally:
        os.seteuid(mine[1])
        os.setegid(mine[0])


def _do(asked: dict[str, Any], data: bytes, files: Files, owner: Sequence[int] | None) -> None:
    if asked["do"] == "forget":
        while files:
            os.close(files.popitem()[1])
        return
    begun = asked["root"], asked["inner"], asked.get("name", "")
    if asked["do"] == "append" and begun in files:
        _write(files[begun], data, asked)
        return
    folder = _opened(asked["root"], asked["inner"], owner, make=asked["do"] == "create")
    try:
        if asked["do"] == "start" and asked["previous"] and _is_there(asked["name"], folder):
            os.replace(asked["name"], asked["previous"], src_dir_fd=folder, dst_dir_fd=folder)
        if asked["do"] != "create":
            anew = os.O_CREAT | (os.O_EXCL if asked.get("fresh") else os.O_TRUNC)
            flags = os.O_WRONLY | os.O_NOFOLLOW | (anew if asked["do"] == "start" else 0)
            file = os.open(asked["name"], flags, 0o644, dir_fd=folder)
            if begun in files:
                os.close(files[begun])
            files[begun] = file
            _write(file, data, asked)
    finally:
        os.close(folder)


def _opened(root: str, inner: str, owner: Sequence[int] | None, *, make: bool) -> int:
    """The folder, open; made where it is missing and `make` is said."""
    if not root:
        if make:
            Path(inner).mkdir(parents=True, exist_ok=True)
        return os.open(inner, _FOLDER)
    here = os.open(root, _FOLDER)
    for part in (part for part in inner.split("/") if part):
        try:
            below = _below(here, part, owner, make=make)
        finally:
            os.close(here)
        here = below
    return here


def _below(here: int, part: str, owner: Sequence[int] | None, *, make: bool) -> int:
    try:
        return _entered(here, part)
    except FileNotFoundError:
        if not make:
            raise
    try:
        os.mkdir(part, 0o755, dir_fd=here)
    except FileExistsError:
        return _entered(here, part)
    below = _entered(here, part)
    if owner is not None:
        try:
            os.fchown(below, *owner)
        except PermissionError:
            pass  # a file system without owners
    return below


def _entered(here: int, part: str) -> int:
    try:
        return os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(part, dir_fd=here, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, f"'{part}' {NOT_FOLLOWED}") from None
        raise OSError(errno.ENOTDIR, f"'{part}' is not a folder") from None


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _write(file: int, data: bytes, asked: dict[str, Any]) -> None:
    left, offset = memoryview(data), asked.get("offset", 0)
    while left:
        written = os.pwrite(file, left, offset)
        left, offset = left[written:], offset + written
    if asked.get("sync", True):
        # Or the kernel's cache keeps it from other machines for half a minute.
        os.fsync(file)


if __name__ == "__main__":
    if os.geteuid() == 0:
        os.setgroups([])
    if len(sys.argv) > 1:
        try:
            serve(json.loads(sys.argv[1]), b"", {})
        except OSError as fault:
            sys.exit(f"{fault.strerror or fault}")
    else:
        main(sys.stdin.buffer, sys.stdout.buffer)
