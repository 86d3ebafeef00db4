"""A private folder per mount, with a note of what it belongs to, so that a later runner can tidy up."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from runner.machine import mountinfo, tree_removal

_NOTE = "mount.json"


@dataclass(frozen=True)
class Left:
    """The private folder of a mount that its runner did not undo."""

    home: Path
    driver: str
    target: Path
    socket: Path | None


def make(work: Path, driver: str, target: Path) -> Path:
    """A fresh folder (0700) below `work` for a mount at `target`, with its note."""
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix=f"{driver}-", dir=work))
    note(home, driver, target)
    return home


def note(home: Path, driver: str, target: Path, socket: Path | None = None) -> None:
    """Write down, before anything is mounted, what this folder belongs to."""
    record = {"driver": driver, "target": str(mountinfo.real(target)), "socket": str(socket or "")}
    (home / _NOTE).write_text(json.dumps(record))


def remove(home: Path) -> None:
    """The folder of a mount that is gone. Nothing is ever mounted below it then."""
    if not mountinfo.mounted_under(home):
        tree_removal.discard(home)


def left_behind(work: Path, root: Path) -> tuple[Left, ...]:
    """The folders below `work` whose mounts lay below `root`."""
    base = root.resolve()
    found = []
    for path in sorted(work.glob(f"*/{_NOTE}")):
        try:
            record = json.loads(path.read_text())
            target, socket = Path(record["target"]), record["socket"]
            left = Left(path.parent, str(record["driver"]), target, Path(socket) if socket else None)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if target.is_relative_to(base):
            found.append(left)
    return tuple(found)
