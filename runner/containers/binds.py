"""Which folders of the node a container sees, at the same paths: the job's temp, its volumes, its outputs."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from runner.mounts import mountinfo
from runner.mounts.types import Volume


def premounted_folders(
    roots: Mapping[str, Iterable[Volume]], premounted: Mapping[str, Path]
) -> tuple[str, ...]:
    """Where the premounted shares among the volumes really are. `roots`: mount root -> its volumes.

    They are symbolic links below the root, so a container needs what they lead to as well. That is taken from
    the runner's settings and not from the links: an earlier job may have put others in their place.
    """
    found = []
    for root, volumes in roots.items():
        for volume in volumes:
            key = f"{volume.account}/{volume.share}"
            if Path(root, volume.relative_mount_path).is_symlink() and key in premounted:
                found.append(str(premounted[key].resolve()))
    return tuple(found)


def folders_for(*paths: str) -> tuple[str, ...]:
    """The paths to bind: those that do not lie in one before them."""
    found: list[str] = []
    for path in paths:
        if not any(_inside(path, one) for one in found):
            found.append(path)
    return tuple(found)


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def bind(path: str, target: str = "") -> list[str]:
    """The words that make a folder of the node appear in the container, with all that is mounted below it; at
    the same path unless `target` is another."""
    # What is mounted or unmounted later appears inside too, where the node's mounts are made to be shared.
    spread = "rslave" if mountinfo.is_shared(Path(path)) else "rprivate"
    return [
        "--mount",
        _csv("type=bind", f"source={path}", f"target={target or path}", f"bind-propagation={spread}"),
    ]


def _csv(*fields: str) -> str:
    """Docker reads the value of --mount as a line of CSV: paths may hold commas and quotes."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue()
