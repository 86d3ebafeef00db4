"""The rclone behind one mount: its files, its start, what it still has to upload."""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runner.machine import tree_removal
from runner.machine.commands import find_program
from runner.mounts import state_dirs
from runner.mounts.drivers import fuse_process, rclone_control
from runner.mounts.drivers.fuse_process import FuseProcess
from runner.mounts.drivers.rclone_control import ControlError
from runner.mounts.drivers.rclone_remote import environment
from runner.mounts.types import Volume

NAME = "rclone"
#: sun_path of a Unix socket is 108 bytes.
_SOCKET_PATH_LIMIT = 100
#: Closing a file reaches rclone a moment after the job's close() has returned: nothing must be pending this
#: often in a row, where nobody can know that it has reached it.
LOOKS = 3


@dataclass(frozen=True)
class Places:
    """The files of one mount: `home` is private to it (0700)."""

    home: Path
    socket: Path

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def log(self) -> Path:
        return self.home / "rclone.log"


@dataclass(frozen=True)
class Rclone:
    """A running `rclone mount` and its files."""

    process: FuseProcess
    places: Places


def make_places(work: Path, target: Path) -> Places:
    """A fresh private directory below `work`; the socket moves to /tmp where its path would be too long."""
    home = state_dirs.make(work, NAME, target)
    socket = home / "control"
    if len(os.fsencode(socket)) > _SOCKET_PATH_LIMIT:
        socket = Path(tempfile.mkdtemp(prefix="rclone-")) / "control"
    state_dirs.note(home, NAME, target, socket)
    return Places(home, socket)


def remove_places(places: Places) -> None:
    """The private files of a mount that is gone (nothing is ever mounted below them)."""
    state_dirs.remove(places.home)
    if places.socket.parent != places.home:
        tree_removal.discard(places.socket.parent)


def start(volume: Volume, remote: str, target: Path, options: Sequence[str], places: Places) -> Rclone:
    """Start `rclone mount`; returns at once. Raises OSError where the program cannot be started."""
    program = find_program("rclone") or "rclone"
    command = [
        program, "mount", remote, str(target), "--cache-dir", str(places.cache),
        "--rc", "--rc-addr", f"unix://{places.socket}", "--rc-no-auth", *options,
    ]  # fmt: skip
    places.socket.unlink(missing_ok=True)  # a killed rclone leaves it, and the next one trips over it
    process = fuse_process.start(command, environment(volume), target, places.log, volume.secrets)
    return Rclone(process, places)


def wait_for_uploads(
    socket: Path,
    say: Callable[[str], None],
    limit_seconds: float,
    stall_seconds: float,
    looks: int = LOOKS,
) -> str | None:
    """None once nothing is pending, otherwise what is left and why. Gives up when nothing moves any more."""
    deadline = time.monotonic() + limit_seconds
    moved_at, moved, quiet = time.monotonic(), (-1, -1), 0
    message = moved_at - 8.0  # first after two seconds, then every ten
    while True:
        try:
            left = rclone_control.pending(socket)
            if left.files:
                rclone_control.hurry(socket)
        except ControlError as error:
            return str(error)
        quiet = quiet + 1 if not left.files else 0
        if quiet >= looks:
            return None
        now = time.monotonic()
        if (left.files, left.moved) != moved:
            moved, moved_at = (left.files, left.moved), now
        if left.files and (now > deadline or now - moved_at > stall_seconds):
            return f"{left.files} uploads still pending ({', '.join(left.names[:5])}): {left.last_error}"
        if left.files and now - message > 10:
            say(f"waiting for {left.files} uploads: {', '.join(left.names[:3])}")
            message = now
        time.sleep(0.1)


def dirty(cache: Path) -> tuple[str, ...]:
    """Files in the cache that never reached the volume, by name; read from rclone's own notes (vfsMeta).

    A note that cannot be read counts: rclone truncates it before it writes, and may have been killed there.
    """
    meta = cache / "vfsMeta"
    return tuple(sorted(str(path.relative_to(meta)) for path, dirty in _notes(meta) if dirty is not False))


def repair(cache: Path) -> bool:
    """Write torn notes anew, as of files to upload: rclone itself deletes such files from its cache.

    False where that cannot be, because the cached file has holes (it was never whole on this machine): then
    no rclone should see the cache again.
    """
    for path, dirty in _notes(cache / "vfsMeta"):
        data = cache / "vfs" / path.relative_to(cache / "vfsMeta")
        if dirty is None and data.is_file():
            found = data.stat()
            if found.st_blocks * 512 < found.st_size:
                return False
            path.write_text(json.dumps(_whole(found)))
    return True


def _whole(found: os.stat_result) -> dict[str, object]:
    """rclone's note (vfscache.Info) of a file that is in the cache as a whole and changed."""
    changed = datetime.fromtimestamp(found.st_mtime, UTC).isoformat()
    return {
        "ModTime": changed,
        "ATime": changed,
        "Size": found.st_size,
        "Rs": [{"Pos": 0, "Size": found.st_size}] if found.st_size else None,
        "Fingerprint": "",
        "Dirty": True,
    }


def _notes(meta: Path) -> Iterator[tuple[Path, bool | None]]:
    """(note, whether it says dirty; None where it cannot be read)."""
    # vfsMeta/<remote>/<root>/<path>; for a share there is no <root>.
    for path in tree_removal.files(meta):
        try:
            note = json.loads(path.read_text())
        except (OSError, ValueError):
            note = None
        yield path, bool(note.get("Dirty")) if isinstance(note, dict) else None
