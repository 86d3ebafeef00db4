"""A bare Debian 12, made by debootstrap from the mirror that this machine's apt uses, to run commands in.

Each command gets mounts and processes of its own, which end with it: nothing of it is left on this machine.
No systemd runs in there, so nothing is started.
"""

import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SUITE = "bookworm"
#: What a Debian of an image has beside the bare minimum, as far as install-runner leaves it to the image.
_BESIDE = "systemd,systemd-sysv,ca-certificates"
#: Downloaded packages, and a bare root, are kept here between test runs; the root for so long.
PACKAGES = Path(__file__).parents[2] / ".venvs" / "debian-12"
_KEPT_SECONDS = 7 * 86400.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Root file system, then the command.
_INSIDE = Path(__file__).parent / "in_root.sh"


class NoMirrorError(Exception):
    """This machine's apt knows no mirror of Debian 12."""


@dataclass(frozen=True)
class BareMachine:
    """A root file system."""

    root: Path
    packages: Path  #: downloaded packages, kept between machines

    def words(self, command: Sequence[str], front: Sequence[str] = ()) -> list[str]:
        """The command line that runs `command` in there. `front` makes another network of its own first."""
        network = ["unshare", "--net", *front] if front else []
        unshare = [*network, "unshare", "--mount", "--pid", "--fork", "--kill-child"]
        return [*unshare, str(_INSIDE), str(self.root), str(self.packages), *command]

    def run(
        self,
        *command: str,
        env: Mapping[str, str] | None = None,
        front: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever that is."""
        given = {"PATH": _PATH, "HOME": "/root", **_own_pip(), **(env or {})}
        return subprocess.run(
            self.words(command, front),
            env=given,
            capture_output=True,
            text=True,
            check=False,
        )

    def put(self, source: Path, folder: str = "root") -> str:
        """Copy a file in there; its path there."""
        shutil.copy(source, self.root / folder)
        return f"/{folder}/{source.name}"

    def read(self, path: str) -> str:
        return (self.root / path.lstrip("/")).read_text("utf-8")

    def state(self) -> dict[str, tuple[object, ...]]:
        """Every file, folder and link, with what shows whether somebody touched it; folders that only apt's
        own bookkeeping and programs at work write to are left out."""
        found: dict[str, tuple[object, ...]] = {}
        for top in ("etc", "opt", "root", "srv", "usr", "var/lib"):
            for folder, _, names in os.walk(self.root / top):
                if Path(folder).relative_to(self.root).as_posix().startswith("var/lib/apt"):
                    continue
                for name in (".", *names):
                    path = Path(folder) / name
                    found[path.relative_to(self.root).as_posix()] = _looks(path)
        return found


def _looks(path: Path) -> tuple[object, ...]:
    info = path.lstat()
    known = (info.st_mode, info.st_uid, info.st_gid, info.st_mtime_ns, info.st_ino)
    if stat.S_ISLNK(info.st_mode):
        return (*known, str(path.readlink()))
    if stat.S_ISREG(info.st_mode) and "etc" in path.parts:
        return (*known, hashlib.sha256(path.read_bytes()).hexdigest())
    return (*known, info.st_size if stat.S_ISREG(info.st_mode) else 0)


def _own_pip() -> dict[str, str]:
    """This machine's settings of pip: where packages come from, whom it trusts."""
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_")}


def mirror() -> str:
    """Where this machine's apt takes Debian 12 from. Raises NoMirrorError."""
    form = "$(CODENAME) $(COMPONENT) $(REPO_URI)"
    words = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        codename, component, uri = line.split(" ", 2)
        if (codename, component) == (SUITE, "main"):
            return uri
    raise NoMirrorError(f"apt knows no mirror of {SUITE}: {done.stdout}{done.stderr}")


def make(folder: Path, packages: Path = PACKAGES) -> BareMachine:
    """A new machine in `folder`. Takes a minute where `packages` holds none that was made of late: it keeps
    what is downloaded, and the bare root itself."""
    root = folder / "debian"
    packages.mkdir(parents=True, exist_ok=True)
    kept = _kept(packages, mirror())
    with (packages / "lock").open("w") as lock:
        # Of two who need it at once, one makes it and the other waits: it takes a minute of a processor.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_fresh(kept):
            _bootstrap(kept, packages, mirror())
    root.mkdir(parents=True)
    _run("tar", "-C", str(root), "--numeric-owner", "-xpf", str(kept))
    # Packages are to start nothing: what they would start is not theirs alone, ports above all.
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    # Nobody minds losing this machine, or reads in it.
    unread = "".join(f"path-exclude=/usr/share/{what}/*\n" for what in ("doc", "man", "locale", "info"))
    (root / "etc/dpkg/dpkg.cfg.d/fast").write_text(f"force-unsafe-io\n{unread}")
    # Whom this machine trusts on the way to its package registry.
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/ca-certificates.crt")
    return BareMachine(root, packages)


def _kept(packages: Path, uri: str) -> Path:
    """Where a bare root from this mirror is kept, whole."""
    made_of = hashlib.sha256(f"{SUITE} {_BESIDE} {uri}".encode()).hexdigest()[:12]
    return packages / f"root-{made_of}.tar"


def _is_fresh(kept: Path) -> bool:
    """Whether it is there, and so young that its packages go together with those of the mirror."""
    return kept.exists() and time.time() - kept.stat().st_mtime < _KEPT_SECONDS


def _bootstrap(kept: Path, packages: Path, uri: str) -> None:
    """Make a bare root and keep it."""
    with tempfile.TemporaryDirectory(prefix="bootstrap-", dir=packages) as folder:
        root, archive = Path(folder) / "root", Path(folder) / "root.tar"
        words = ["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={_BESIDE}"]
        # What it mounts in there is unmounted with it, however it ends.
        _run(*words, f"--cache-dir={packages}", SUITE, str(root), uri)
        _run("tar", "-C", str(root), "--numeric-owner", "-cf", str(archive), ".")
        archive.replace(kept)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{words[0]} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
