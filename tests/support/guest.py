"""A guest kernel (user-mode-linux, no KVM) on this machine's files, for mounts the host's kernel cannot do.

The guest sees the host's file system read-only (hostfs), has memory on /run and /mnt, and reaches the host's
loopback as 10.0.2.2 (slirp). Commands go through a folder both sides see: NAME.cmd in, NAME.out and NAME.rc
back.
Needs: apt-get install user-mode-linux slirp kmod cifs-utils nfs-common gcc libc6-dev
"""

import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from runner.machine.commands import Finished, kill_group

PROGRAMS = ("linux.uml", "slirp-fullbolt", "modprobe", "mount.cifs", "mount.nfs", "cc")
HOST = "10.0.2.2"
_BOOT_SECONDS = 60
#: Reads commands until asked to stop. `mv` makes every step whole: nobody reads a half-written file.
_INIT = """\
#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/run
export PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /mnt
mount -t devtmpfs devtmpfs /dev 2>/dev/null
release=$(uname -r)
mkdir -p /run/host /run/lock "/run/kernel/lib/modules/$release"
mount --bind "/usr/lib/uml/modules/$release" "/run/kernel/lib/modules/$release"
printf '#!/bin/sh\nexec modprobe -d /run/kernel "$@"\n' > /run/modprobe
chmod +x /run/modprobe
echo /run/modprobe > /proc/sys/kernel/modprobe
mount -t hostfs none /run/host -o '{folder}'
printf '127.0.0.1 localhost\\n{host} {names}\\n' > /run/hosts
mount --bind /run/hosts /etc/hosts
: > /run/resolv.conf
mount --bind /run/resolv.conf /etc/resolv.conf
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via {host}
for module in cifs nfsv4 fuse; do /run/modprobe "$module"; done
: > /run/host/up
while [ ! -e /run/host/stop ]; do
  for command in /run/host/*.cmd; do
    [ -e "$command" ] || continue
    name=${{command%.cmd}}
    mv "$command" "$name.run"
    (
      (cd /run && sh "$name.run") > "$name.out" 2>&1 < /dev/null
      echo $? > "$name.rc.part"
      mv "$name.rc.part" "$name.rc"
    ) &
  done
  sleep 0.1  # each is a process, which costs a guest five times what it costs here
done
echo o > /proc/sysrq-trigger
sleep 5
"""


def missing() -> str | None:
    """What this machine lacks for a guest, or None."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    absent = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if absent:
        packages = "user-mode-linux slirp kmod cifs-utils nfs-common gcc libc6-dev"
        return f"no {', '.join(absent)}: apt-get install {packages}"
    return None


@dataclass
class Guest:
    """A running guest. Several commands may run at a time."""

    folder: Path
    child: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def start(self, command: str) -> str:
        """Hand over a shell command; returns its name, for `result`."""
        name = f"c{next(self._numbers)}"
        part = self.folder / f"{name}.part"
        part.write_text(command + "\n")
        part.rename(self.folder / f"{name}.cmd")
        return name

    def result(self, name: str, seconds: float = 60.0) -> Finished:
        """Wait for a command's end; AssertionError when it does not come or the guest dies."""
        code = self.folder / f"{name}.rc"
        deadline = time.monotonic() + seconds
        while not code.exists():
            assert self.child.poll() is None, f"the guest died:\n{self.console()}"
            assert time.monotonic() < deadline, f"no answer in {seconds} s:\n{self.output(name)}"
            time.sleep(0.02)
        return Finished(name, int(code.read_text()), self.output(name))

    def run(self, command: str, seconds: float = 60.0) -> Finished:
        """`start` and `result` in one."""
        return self.result(self.start(command), seconds)

    def output(self, name: str) -> str:
        """What a command has printed so far."""
        path = self.folder / f"{name}.out"
        return path.read_text(errors="replace") if path.exists() else ""

    def console(self) -> str:
        """The kernel's messages."""
        return (self.folder / "console").read_text(errors="replace")[-4000:]


@contextmanager
def boot(folder: Path, names: Sequence[str] = (), memory: str = "512M") -> Iterator[Guest]:
    """A guest in which `names` resolve to the host's loopback; gone afterwards, killed if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    init = folder / "init"
    init.write_text(_INIT.format(folder=folder, host=HOST, names=" ".join(("host.guest", *names))))
    init.chmod(0o755)
    command = [
        "linux.uml", f"mem={memory}", "rootfstype=hostfs", "ro", f"init={init}", "con0=null,fd:1", "con=null",
        "ssl=null", "quiet", "eth0=slirp,,/usr/bin/slirp-fullbolt", f"uml_dir={folder}", "umid=guest",
    ]  # fmt: skip
    with (folder / "console").open("wb") as console:
        child = subprocess.Popen(
            command,
            env=os.environ | {"LD_PRELOAD": str(_registers(folder))},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    guest = Guest(folder, child)
    try:
        _wait_until_up(guest)
        yield guest
    finally:
        (folder / "stop").touch()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            pass
        kill_group(child)


def _registers(folder: Path) -> Path:
    """What makes the guest's kernel run on processors that are younger than it: see its source."""
    source, library = Path(__file__).with_name("guest_registers.c"), folder / "guest_registers.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library


def _wait_until_up(guest: Guest) -> None:
    deadline = time.monotonic() + _BOOT_SECONDS
    while not (guest.folder / "up").exists():
        assert guest.child.poll() is None, f"the guest ended while it booted:\n{guest.console()}"
        assert time.monotonic() < deadline, f"the guest did not come up:\n{guest.console()}"
        time.sleep(0.02)
