"""A registry of container images that asks for a password: Debian's docker-registry on a port of its own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import processes
from tests.support.docker_daemon import DockerDaemon

_CONFIG = """version: 0.1
log: {{level: info}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}
"""


def missing() -> str | None:
    """What this machine lacks for a registry; None where it has everything."""
    absent = [name for name in ("docker-registry", "htpasswd") if not shutil.which(name)]
    return f"not installed: {', '.join(absent)} (scripts/setup-machine)" if absent else None


@dataclass(frozen=True)
class Registry:
    """A running registry and its one user."""

    host: str
    username: str
    password: str

    def push(self, daemon: DockerDaemon, image: str, name: str) -> str:
        """Put an image there under `name`, and take both names off the daemon; the full name."""
        full = f"{self.host}/{name}"
        with tempfile.TemporaryDirectory() as config:
            login = ("login", "--username", self.username, "--password-stdin", self.host)
            daemon.docker("--config", config, *login, given=self.password.encode())
            daemon.docker("tag", image, full)
            daemon.docker("--config", config, "push", full)
        daemon.docker("rmi", full, image)
        return full


@contextmanager
def registry(username: str, password: str) -> Iterator[Registry]:
    """A registry without TLS, which docker accepts on the loopback interface."""
    with tempfile.TemporaryDirectory() as place:
        folder, port = Path(place), processes.free_port()
        hashed = subprocess.run(
            ["htpasswd", "-Bin", username], input=password.encode(), capture_output=True, check=True
        )
        (folder / "htpasswd").write_bytes(hashed.stdout)
        (folder / "config.yml").write_text(_CONFIG.format(folder=folder, port=port))
        child = processes.start(
            "registry", ["docker-registry", "serve", f"{folder}/config.yml"], folder / "log"
        )
        try:
            child.wait_ready(lambda: processes.port_open(port), 30)
            yield Registry(f"127.0.0.1:{port}", username, password)
        finally:
            child.stop()
