"""Package repositories like those of Microsoft and NVIDIA, and a container `packages`, for served_hosts.py.

They are made and signed here; the packages in them hold stand-ins for the programs. For tests only.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MICROSOFT, NVIDIA = "packages.microsoft.com", "nvidia.github.io"
ACCOUNT = "baistate.blob.core.windows.net"
BLOBFUSE2 = "#!/bin/sh\necho 'blobfuse2 version 2.5.6'\n"
#: Does what `nvidia-ctk runtime configure --runtime=docker` does, as far as docker sees it.
NVIDIA_CTK = """#!/bin/sh
[ "$*" = "runtime configure --runtime=docker" ] || exit 64
mkdir -p /etc/docker
echo '{"runtimes": {"nvidia": {"args": [], "path": "nvidia-container-runtime"}}}' > /etc/docker/daemon.json
"""


@dataclass(frozen=True)
class Served:
    """What served_hosts.py is started with."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "cert.pem"

    def publish(self, file: Path, name: str) -> str:
        """Put a blob into `packages`; its URL."""
        target = self.folder / "www" / ACCOUNT / "packages" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
        return f"https://{ACCOUNT}/packages/{name}"

    @property
    def tokens(self) -> list[str]:
        """The requests for tokens that came."""
        lines = (self.folder / "imds.log").read_text().splitlines()
        return [line for line in lines if "/identity/oauth2/token" in line]


def certified(folder: Path) -> Served:
    """A folder to serve, with a certificate for its hosts and nothing in it."""
    hosts = (MICROSOFT, NVIDIA, ACCOUNT)
    names = ",".join(f"DNS:{host}" for host in hosts)
    words = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=tests"
    extensions = (f"subjectAltName={names}", "basicConstraints=critical,CA:TRUE")
    _done(folder, *words.split(), *(word for one in extensions for word in ("-addext", one)))
    (folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(f"127.0.0.1 {host}\n" for host in hosts))
    (folder / "www").mkdir()
    return Served(folder)


def fill(served: Served) -> None:
    """The two repositories, laid out as the vendors' are."""
    with _key() as home:
        microsoft = served.folder / "www" / MICROSOFT
        _package(
            microsoft / "debian/12/prod/pool/main/b/blobfuse2", "blobfuse2", "fuse3", "blobfuse2", BLOBFUSE2
        )
        _suite(microsoft / "debian/12/prod", home)
        (microsoft / "keys").mkdir()
        _done(
            home,
            "gpg",
            "--homedir",
            str(home),
            "--armor",
            "--output",
            str(microsoft / "keys/microsoft.asc"),
            "--export",
        )
        nvidia = served.folder / "www" / NVIDIA / "libnvidia-container"
        flat = nvidia / "stable/deb" / _architecture()
        _package(flat, "nvidia-container-toolkit", "", "nvidia-ctk", NVIDIA_CTK)
        _flat(flat, home)
        _done(home, "gpg", "--homedir", str(home), "--armor", "--output", str(nvidia / "gpgkey"), "--export")


def _architecture() -> str:
    return _done(Path("/"), "dpkg", "--print-architecture").strip()


def _package(folder: Path, name: str, depends: str, program: str, text: str) -> None:
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as made:
        tree = Path(made) / name
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "usr/bin").mkdir(parents=True)
        for path in (tree, tree / "DEBIAN", tree / "usr", tree / "usr/bin"):
            path.chmod(0o755)
        fields = {
            "Package": name,
            "Version": "2.5.6",
            "Architecture": _architecture(),
            "Maintainer": "tests <t@example>",
        }
        if depends:
            fields["Depends"] = depends
        fields["Description"] = "stands in for the real one"
        (tree / "DEBIAN/control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
        (tree / "usr/bin" / program).write_text(text)
        (tree / "usr/bin" / program).chmod(0o755)
        file = folder / f"{name}_2.5.6_{_architecture()}.deb"
        _done(folder, "dpkg-deb", "--root-owner-group", "--build", str(tree), str(file))


def _suite(base: Path, home: Path) -> None:
    """dists/bookworm over pool/."""
    binary = base / "dists/bookworm/main" / f"binary-{_architecture()}"
    binary.mkdir(parents=True)
    (binary / "Packages").write_text(_done(base, "apt-ftparchive", "packages", "pool"))
    fields = {
        "Suite": "bookworm",
        "Codename": "bookworm",
        "Components": "main",
        "Architectures": _architecture(),
    }
    options = [f"-oAPT::FTPArchive::Release::{key}={value}" for key, value in fields.items()]
    _sign(base / "dists/bookworm", home, _done(base, "apt-ftparchive", *options, "release", "dists/bookworm"))


def _flat(folder: Path, home: Path) -> None:
    (folder / "Packages").write_text(_done(folder, "apt-ftparchive", "packages", "."))
    _sign(folder, home, _done(folder, "apt-ftparchive", "release", "."))


def _sign(folder: Path, home: Path, release: str) -> None:
    (folder / "Release").write_text(release)
    words = ["gpg", "--homedir", str(home), "--batch", "--output", "InRelease", "--clearsign", "Release"]
    _done(folder, *words)


@contextmanager
def _key() -> Iterator[Path]:
    """A home of gpg with one key in it. Its path is short: sockets lie in it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        home = ["gpg", "--homedir", made, "--batch"]
        _done(
            Path(made),
            *home,
            "--passphrase",
            "",
            "--quick-gen-key",
            "tests <t@example>",
            "rsa2048",
            "sign",
            "2d",
        )
        try:
            yield Path(made)
        finally:
            _done(Path(made), "gpgconf", "--homedir", made, "--kill", "all")


def _done(folder: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout
