"""The words of `docker run` for a job's container: what it may do and what it gets. See docs/adr/0071."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.isolation.cgroup_limits import cpu_shares
from runner.machine import mountinfo
from runner.mounts.types import Volume

#: Of docker's default set all but MKNOD and NET_RAW: installing packages, changing users, an sshd of its
#: own. The network is mostly the node's, so raw packets would be too.
CAPABILITIES = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)
#: It waits to be killed, and as the container's first process takes the dead off the process table. The image
#: needs nothing but a POSIX shell and `sleep`.
FIRST_PROCESS = "while :; do sleep 86400 & wait $!; done"


@dataclass(frozen=True)
class Options:
    """What differs between containers."""

    name: str
    labels: Mapping[str, str]
    marks: Mapping[str, str]  #: variables by which the first process is known
    binds: Sequence[str]  #: words, see binds.py
    network: str = "host"
    shm_size: str = ""
    gpus: Sequence[str] = ()  #: ids or indices of the devices
    memory_bytes: int = 0  #: 0: no limit
    processes: int = 0  #: threads count too; 0: no limit
    more: Sequence[str] = ()  #: the operator's own words


def run_words(options: Options, image: str) -> list[str]:
    """After `docker`. The image is not pulled, no output is kept, and the container is removed at its end."""
    words = ["run", "--detach", "--rm", "--pull", "never", "--name", options.name, "--log-driver", "none"]
    words += ["--user", "0:0", "--workdir", "/", "--network", options.network]
    words += ["--security-opt", "no-new-privileges", "--cap-drop", "ALL"]
    words += [word for name in CAPABILITIES for word in ("--cap-add", name)]
    words += ["--pids-limit", str(options.processes or -1), "--cpu-shares", str(cpu_shares())]
    if options.memory_bytes:
        # The same number twice: no swap, or a job that wants too much would slow down the whole node first.
        words += ["--memory", f"{options.memory_bytes}b", "--memory-swap", f"{options.memory_bytes}b"]
    if options.shm_size:
        words += ["--shm-size", options.shm_size.replace(" ", "")]
    words += [word for name, value in options.labels.items() for word in ("--label", f"{name}={value}")]
    words += [word for name, value in options.marks.items() for word in ("--env", f"{name}={value}")]
    words += [*_gpu_words(options.gpus), *options.binds, *options.more]
    return [*words, "--entrypoint", "/bin/sh", image, "-c", FIRST_PROCESS]


def _gpu_words(gpus: Sequence[str]) -> list[str]:
    if not gpus:
        # Images of NVIDIA ask for every GPU by this variable, and get them where its runtime is the default.
        return ["--env", "NVIDIA_VISIBLE_DEVICES=void"]
    # Quoted: docker reads a line of CSV, and the ids are one field of it.
    return ["--gpus", f'"device={",".join(gpus)}"']


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
