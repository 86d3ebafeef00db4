"""Azurite (blob, queue, table) as a child process."""

import os
from dataclasses import dataclass
from pathlib import Path

from local import npm, processes

NODE_PACKAGE = Path(__file__).parent / "node"
_HOOKS = NODE_PACKAGE / "azurite_hooks.js"
_TRIES = 3
#: A connection is kept for so long while nothing is sent. The default of 5 s ends connections that clients
#: are about to use again: a request that meets the end of its connection fails.
_KEEP_ALIVE_SECONDS = 600
#: The emulator's account and key are published by Microsoft; they protect nothing.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Endpoints:
    """Where a running Azurite listens."""

    blob_port: int
    queue_port: int
    table_port: int
    account: str = ACCOUNT
    key: str = KEY

    @property
    def blob_endpoint(self) -> str:
        return f"http://127.0.0.1:{self.blob_port}/{self.account}"

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName={self.account};AccountKey={self.key};"
            f"BlobEndpoint={self.blob_endpoint};"
            f"QueueEndpoint=http://127.0.0.1:{self.queue_port}/{self.account};"
            f"TableEndpoint=http://127.0.0.1:{self.table_port}/{self.account};"
        )


def script() -> Path:
    """Azurite's entry point; installs the pinned package with npm where it is missing."""
    path = NODE_PACKAGE / "node_modules/azurite/dist/src/azurite.js"
    if not path.exists():
        _install()
    return path


def _install() -> None:
    done = npm.install(NODE_PACKAGE)
    if done.returncode:
        raise processes.StartError(f"npm could not install Azurite (exit {done.returncode}):\n{done.stderr}")


def start(
    log: Path,
    location: Path | None = None,
    endpoints: Endpoints | None = None,
    changes: Path | None = None,
) -> tuple[processes.Child, Endpoints]:
    """Start Azurite and wait until its three ports answer. `endpoints` None: ports that are free, and others
    where somebody takes one of them meanwhile. `location` None keeps everything in memory; to `changes` it
    writes which blobs are written (local.host.blob_changes reads it)."""
    if endpoints:
        return _start(log, location, endpoints, changes), endpoints
    for _ in range(_TRIES):
        found = Endpoints(processes.free_port(), processes.free_port(), processes.free_port())
        try:
            return _start(log, location, found, changes), found
        except processes.StartError as error:
            if "EADDRINUSE" not in str(error):
                raise
            taken = error
    raise taken


def _start(log: Path, location: Path | None, where: Endpoints, changes: Path | None) -> processes.Child:
    command = [npm.node_binary(), "--require", str(_HOOKS), str(script())]
    command += ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    command += ["--location", str(location)] if location else ["--inMemoryPersistence"]
    for service in ("blob", "queue", "table"):
        command += [f"--{service}Port", str(getattr(where, f"{service}_port"))]
        command += [f"--{service}KeepAliveTimeout", str(_KEEP_ALIVE_SECONDS)]
    variables = {"NODE_COMPILE_CACHE": str(NODE_PACKAGE / "node_modules" / ".cache" / "node")}
    if changes:
        variables["BLOB_CHANGES_FILE"] = str(changes)
    child = processes.start("Azurite", command, log, os.environ | variables)
    ports = (where.blob_port, where.queue_port, where.table_port)
    child.wait_ready(lambda: all(map(processes.port_open, ports)), seconds=60)
    return child
