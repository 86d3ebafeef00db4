"""What is mounted, from /proc/self/mountinfo. `os.path.ismount` will not do: it denies dead FUSE mounts."""

import functools
import os
import re
import select
import threading
from dataclasses import dataclass
from pathlib import Path

_MOUNTINFO = Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class Mount:
    """One line of mountinfo."""

    target: str
    fstype: str  #: "fuse.rclone", "cifs", "nfs4", ...
    source: str
    options: tuple[str, ...]
    shared: bool = False  #: mounts below it appear in (or come from) other mount namespaces
    device: str = ""  #: "<major>:<minor>"

    @property
    def is_fuse(self) -> bool:
        return self.fstype == "fuse" or self.fstype.startswith(("fuse.", "fuseblk"))


@functools.lru_cache(maxsize=4)
def parse(lines: str) -> tuple[Mount, ...]:
    """The mounts in order of mounting; asked again and again of a text that seldom changes. A line (proc(5)):
    6 fields, optional ones, " - ", 3 more."""
    return tuple(mount for line in lines.splitlines() if (mount := _parse_line(line)) is not None)


def _parse_line(line: str) -> Mount | None:
    head, dash, tail = line.partition(" - ")
    fields, rest = head.split(" "), tail.split(" ")
    if not dash or len(fields) < 6 or len(rest) < 2:
        return None
    shared = any(field.startswith(("shared:", "master:")) for field in fields[6:])
    options = tuple(fields[5].split(","))
    return Mount(_plain(fields[4]), _plain(rest[0]), _plain(rest[1]), options, shared, fields[2])


def _plain(field: str) -> str:
    """Undo the kernel's octal escapes of blank, tab, newline and backslash."""
    raw = re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m[1], 8)]), field.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")


def current() -> tuple[Mount, ...]:
    """The mounts that this process sees, in order of mounting."""
    return parse(text())


_lock = threading.Lock()
#: What was read last, and in which process: a child may be in another mount namespace.
_latest: dict[int, str] = {}


def text() -> str:
    """What `current` reads: as long as it stays the same, so does what follows from it."""
    me = os.getpid()
    with _lock:
        # In this order: what changes while the text is read is reported by the next question.
        if _has_changed(me) or me not in _latest:
            _latest.clear()
            _latest[me] = _MOUNTINFO.read_bytes().decode("utf-8", "surrogateescape")
        return _latest[me]


def _has_changed(process: int) -> bool:
    """Whether anything was mounted or unmounted since the latest question; False to the first."""
    return bool(_question(process).poll(0))


@functools.lru_cache(maxsize=1)
def _question(process: int) -> select.poll:
    """Of an open file of mounts poll(2) says POLLERR once after each change (proc(5), mounts). It is open for
    as long as the process lives."""
    asked = select.poll()
    asked.register(os.open(_MOUNTINFO, os.O_RDONLY | os.O_CLOEXEC), select.POLLPRI)
    return asked


def mounted_at(target: Path) -> Mount | None:
    """The topmost mount at exactly this path; works for dead mounts too."""
    wanted = _real(target)
    return next((mount for mount in reversed(current()) if mount.target == wanted), None)


def mounted_in(pid: int, target: Path) -> bool:
    """Whether something is mounted at exactly this path in the mount namespace of another process."""
    try:
        text = Path(f"/proc/{pid}/mountinfo").read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return False
    return any(mount.target == str(real(target)) for mount in parse(text))


def mounted_under(root: Path) -> tuple[Mount, ...]:
    """Mounts at or below `root`, in the order in which they must be undone (latest and deepest first)."""
    base = _real(root)
    inside = [m for m in current() if m.target == base or m.target.startswith(base.rstrip("/") + "/")]
    return tuple(reversed(inside))


def is_shared(path: Path) -> bool:
    """Whether the mount that holds `path` takes part in propagation."""
    found = holding(path.resolve())
    return found is not None and found.shared


def holding(path: Path) -> Mount | None:
    """The mount that an absolute path without symbolic links lies on. Looks at nothing but the words."""
    found = [m for m in current() if path.is_relative_to(m.target)]
    return max(enumerate(found), key=lambda m: (len(m[1].target), m[0]))[1] if found else None


def real(target: Path) -> Path:
    """`target` with the symbolic links of its *folder* resolved; never looks at the target itself."""
    return Path(_real(target))


def _real(target: Path) -> str:
    folder, name = os.path.split(target)
    return os.path.join(os.path.realpath(folder), name)  # noqa: PTH118 - asked again and again for every job
