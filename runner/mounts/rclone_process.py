"""The rclone process behind one mount: started, asked, waited for, stopped, and known to be gone."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.mounts import homes, mountinfo, rclone_control
from runner.mounts.commands import find_program, kill_group, masked, wait
from runner.mounts.rclone_control import ControlError
from runner.mounts.rclone_remote import environment
from runner.mounts.types import Volume

NAME = "rclone"
_LOG_LIMIT = 3000
#: sun_path of a Unix socket is 108 bytes.
_SOCKET_PATH_LIMIT = 100


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
    """A running `rclone mount`."""

    child: subprocess.Popen[bytes]
    target: Path
    places: Places
    secrets: tuple[str, ...]

    def words(self) -> str:
        """The end of what it has logged, secrets masked."""
        return log_tail(self.places.log, self.secrets)


def make_places(work: Path, target: Path) -> Places:
    """A fresh private directory below `work`; the socket moves to /tmp where its path would be too long."""
    home = homes.make(work, NAME, target)
    socket = home / "control"
    if len(os.fsencode(socket)) > _SOCKET_PATH_LIMIT:
        socket = Path(tempfile.mkdtemp(prefix="rclone-")) / "control"
    homes.note(home, NAME, target, socket)
    return Places(home, socket)


def remove_places(places: Places) -> None:
    """The private files of a mount that is gone (nothing is ever mounted below them)."""
    homes.remove(places.home)
    if places.socket.parent != places.home:
        shutil.rmtree(places.socket.parent, ignore_errors=True)


def start(volume: Volume, remote: str, target: Path, options: Sequence[str], places: Places) -> Rclone:
    """Start `rclone mount`; returns at once. Raises OSError where the program cannot be started."""
    program = find_program("rclone") or "rclone"
    command = [
        program, "mount", remote, str(target), "--cache-dir", str(places.cache),
        "--rc", "--rc-addr", f"unix://{places.socket}", "--rc-no-auth", *options,
    ]  # fmt: skip
    places.socket.unlink(missing_ok=True)  # a killed rclone leaves it, and the next one trips over it
    with places.log.open("ab") as log:
        places.log.chmod(0o600)
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(volume),
            cwd="/",
            start_new_session=True,
        )
    return Rclone(child, target, places, volume.secrets)


def wait_until_mounted(rclone: Rclone, seconds: float) -> str | None:
    """None once the mount is there, otherwise what went wrong."""
    deadline = time.monotonic() + seconds
    while mountinfo.mounted_at(rclone.target) is None:
        code = rclone.child.poll()
        if code is not None:
            return f"rclone ended with exit status {code}: {rclone.words()}"
        if time.monotonic() > deadline:
            return f"rclone has not mounted it within {seconds:.0f} s (timed out): {rclone.words()}"
        time.sleep(0.01)
    return None


def wait_for_uploads(
    socket: Path, say: Callable[[str], None], limit_seconds: float, stall_seconds: float
) -> str | None:
    """None once nothing is pending, otherwise what is left and why. Gives up when nothing moves any more."""
    deadline = time.monotonic() + limit_seconds
    moved_at, moved, quiet, told = time.monotonic(), (-1, -1), 0, 0.0
    while True:
        try:
            left = rclone_control.pending(socket)
        except ControlError as error:
            return str(error)
        # Closing a file reaches rclone a moment after the job's close() has returned: ask twice.
        quiet = quiet + 1 if not left.files else 0
        if quiet >= 3:
            return None
        now = time.monotonic()
        if (left.files, left.moved) != moved:
            moved, moved_at = (left.files, left.moved), now
        if left.files and (now > deadline or now - moved_at > stall_seconds):
            return f"{left.files} uploads still pending ({', '.join(left.names[:5])}): {left.last_error}"
        if left.files and now - told > 10:
            say(f"waiting for {left.files} uploads: {', '.join(left.names[:3])}")
            told = now
        time.sleep(0.1)


def wait_until_gone(rclone: Rclone, seconds: float) -> bool:
    """Wait for the process to end after its mount is gone; kill it where it does not. False: stuck."""
    return wait(rclone.child, seconds) is not None or kill_group(rclone.child)


def log_tail(log: Path, secrets: Sequence[str] = ()) -> str:
    """The last lines of an rclone log, in one line."""
    try:
        text = log.read_bytes()[-_LOG_LIMIT:].decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip(" -")]
    return masked(" | ".join(lines), secrets)


def dirty(cache: Path) -> tuple[str, ...]:
    """Files in the cache that never reached the volume, by name; read from rclone's own notes (vfsMeta)."""
    return tuple(sorted(_dirty(cache / "vfsMeta")))


def _dirty(meta: Path) -> Iterator[str]:
    # vfsMeta/<remote>/<root>/<path>; for a share there is no <root>.
    for path in meta.rglob("*"):
        if path.is_file():
            try:
                note = json.loads(path.read_text())
            except (OSError, ValueError):
                continue
            if isinstance(note, dict) and note.get("Dirty"):
                yield str(path.relative_to(meta))
