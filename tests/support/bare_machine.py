"""A Debian 12 with nothing on it: made once by debootstrap, and laid under each test's own changes."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

_SUITE, _MIRROR = "bookworm", "http://deb.debian.org/debian"
#: systemd is on every virtual machine; the rest is for install-runner to bring.
_INCLUDED = "ca-certificates,systemd"


def cache() -> Path:
    """Where it is kept between runs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "batchai-tests"


def missing() -> str:
    """Why there can be none here, or ""."""
    if os.geteuid() != 0:
        return "not root"
    return "" if shutil.which("debootstrap") else "debootstrap is not installed"


@dataclass(frozen=True)
class BareMachine:
    """A root file system to run commands in."""

    root: Path

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """In a process namespace of its own: nothing that it starts is left."""
        inside = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **(env or {})}
        command = ["unshare", "--fork", "--pid", "--kill-child", "chroot", str(self.root), *words]
        return subprocess.run(command, env=inside, capture_output=True, text=True, check=False)

    def files(self) -> dict[str, tuple[int, int]]:
        """Every file with its size and the time of its last change, but for caches and what is mounted."""
        found = {}
        for folder, names, files in os.walk(self.root):
            at = Path(folder)
            names[:] = [name for name in names if not (at / name).is_mount() and name != "__pycache__"]
            for name in files:
                status = (at / name).lstat()
                found[str((at / name).relative_to(self.root))] = (status.st_size, status.st_mtime_ns)
        return {name: what for name, what in found.items() if not name.startswith(("tmp/", "var/log/"))}


@contextmanager
def bare_machine(directory: Path, shown: Mapping[str, Path]) -> Iterator[BareMachine]:
    """A machine of its own below `directory`. `shown`: path on it -> folder of this machine's."""
    base = _base()
    root = directory / "root"
    for folder in (root, directory / "upper", directory / "work"):
        folder.mkdir()
    with ExitStack() as stack:
        layers = f"lowerdir={base},upperdir={directory / 'upper'},workdir={directory / 'work'}"
        _mount(stack, root, "-t", "overlay", "overlay", "-o", layers)
        _mount(stack, root / "proc", "-t", "proc", "proc")
        _mount(stack, root / "tmp", "-t", "tmpfs", "tmpfs")
        archives = cache() / "archives"
        (archives / "partial").mkdir(parents=True, exist_ok=True)
        for place, folder in {**shown, "/var/cache/apt/archives": archives}.items():
            at = root / place.lstrip("/")
            at.mkdir(parents=True, exist_ok=True)
            _mount(stack, at, "--bind", str(folder))
        shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
        # apt keeps what it has fetched: the next test needs no network for it.
        keep = 'Binary::apt-get::APT::Keep-Downloaded-Packages "true";\n'
        (root / "etc/apt/apt.conf.d/keep").write_text(keep)
        (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")  # a chroot starts no services
        (root / "usr/sbin/policy-rc.d").chmod(0o755)
        yield BareMachine(root)


def _base() -> Path:
    base, new = cache() / _SUITE, cache() / f"{_SUITE}.new"
    if not base.is_dir():
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        words = ["debootstrap", "--variant=minbase", f"--include={_INCLUDED}", _SUITE, str(new), _MIRROR]
        subprocess.run(words, check=True, capture_output=True)
        new.rename(base)
    return base


def _mount(stack: ExitStack, at: Path, *words: str) -> None:
    subprocess.run(["mount", *words, str(at)], check=True)
    stack.callback(subprocess.run, ["umount", "-l", str(at)], check=False)
