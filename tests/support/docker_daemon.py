"""A Docker daemon of the tests' own, and images made from what is on this machine."""

import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from local import processes
from runner.machine import mountinfo

#: Programs of busybox that the tests' commands use.
_APPLETS = (
    *("sh", "cat", "sleep", "echo", "env", "ls", "kill", "ps", "mkdir", "rm", "touch", "true", "head", "yes"),
    *(
        "id",
        "grep",
        "dd",
        "df",
        "mount",
        "mv",
        "chmod",
        "sort",
        "tr",
        "wc",
        "ln",
        "printf",
        "chown",
        "chroot",
    ),
)


def missing() -> str | None:
    """What this machine lacks for containers in tests; None where it has everything."""
    if os.geteuid() != 0:
        return "a Docker daemon of one's own needs root"
    absent = [name for name in ("dockerd", "docker", "busybox") if not shutil.which(name)]
    return f"not installed: {', '.join(absent)} (scripts/setup-machine)" if absent else None


@dataclass
class DockerDaemon:
    """A running dockerd with everything it keeps in one folder."""

    folder: Path
    child: processes.Child
    driver: str = "vfs"  #: of its storage

    @property
    def command(self) -> str:
        """What BATCHAI_DOCKER is set to."""
        return f"docker --host unix://{self.folder}/docker.sock"

    def docker(self, *words: str, given: bytes = b"", check: bool = True, seconds: float = 120) -> str:
        """What a call prints, which may take `seconds`."""
        done = subprocess.run(
            [*self.command.split(), *words], input=given, capture_output=True, check=False, timeout=seconds
        )
        assert not check or done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def containers(self, state: str = "--all") -> list[str]:
        """Names of the containers of runners."""
        return self.docker("ps", state, "--filter", "label=batchai.job", "--format", "{{.Names}}").split()

    def make_image(self, name: str, *changes: str, shell: bool = True) -> None:
        """An image of a static busybox; `changes` as in a Dockerfile, such as "ENV A=1"."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for path in ("bin", "etc", "tmp", "root"):
                (root / path).mkdir()
            shutil.copy(str(shutil.which("busybox")), root / "bin" / "busybox")
            for applet in _APPLETS if shell else ():
                (root / "bin" / applet).symlink_to("busybox")
            archive = root / "image.tar"
            with tarfile.open(archive, "w") as tar:
                for path in ("bin", "etc", "tmp", "root"):
                    tar.add(root / path, path)
            words = [word for change in changes for word in ("--change", change)]
            self.docker("import", *words, str(archive), name)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Inside the block the daemon answers nobody."""
        self.child.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.child.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, as when its package is upgraded badly: its containers live on."""
        self.child.process.kill()
        self.child.process.wait()

    def restart(self) -> None:
        self.child = _start(self.folder, self.driver)


@contextmanager
def docker_daemon(large: bool = False) -> Iterator[DockerDaemon]:
    """A daemon without a network of its own; nothing of it is left afterwards. `large`: for images of
    hundreds of megabytes, of which vfs would copy every layer whole; other drivers are not had everywhere."""
    # Not pytest's folder: the paths of sockets have little space.
    folder = Path(tempfile.mkdtemp(prefix="batchai-docker-"))
    daemon = _started(folder, ("overlay2", "vfs") if large else ("vfs",))
    try:
        yield daemon
    finally:
        daemon.child.process.send_signal(signal.SIGCONT)
        left = psutil.Process(daemon.child.process.pid).children(recursive=True) if daemon.child.alive else []
        daemon.child.stop(20)
        for process in left:
            if process.is_running():
                process.kill()
        for mount in mountinfo.mounted_under(folder):
            subprocess.run(["umount", "-l", mount.target], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _started(folder: Path, drivers: Sequence[str]) -> DockerDaemon:
    """With the first driver that this machine's kernel and file system have."""
    for driver in drivers[:-1]:
        try:
            return DockerDaemon(folder, _start(folder, driver), driver)
        except processes.StartError:
            continue
    return DockerDaemon(folder, _start(folder, drivers[-1]), drivers[-1])


def _start(folder: Path, driver: str) -> processes.Child:
    command = ["dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"]
    command += ["--host", f"unix://{folder}/docker.sock", "--pidfile", f"{folder}/pid"]
    command += ["--iptables=false", "--bridge=none", f"--storage-driver={driver}"]
    child = processes.start("dockerd", command, folder / "log")
    ask = ["docker", "--host", f"unix://{folder}/docker.sock", "version"]
    child.wait_ready(lambda: subprocess.run(ask, capture_output=True, check=False).returncode == 0, 60)
    return child
