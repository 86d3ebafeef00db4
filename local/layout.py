"""The data directory of the local stack, and what is remembered of a running one."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil


@dataclass(frozen=True)
class DataDirectory:
    """One directory holds everything: stores, shares, nodes, logs, secrets of this laptop's stack."""

    root: Path

    @property
    def azurite(self) -> Path:
        return self.root / "azurite"

    @property
    def blob_changes(self) -> Path:
        """Where Azurite says which blobs are written."""
        return self.root / "blob-changes.jsonl"

    @property
    def shares(self) -> Path:
        return self.root / "shares"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def state(self) -> Path:
        return self.root / "stack.json"

    @property
    def sealing_key(self) -> Path:
        return self.root / "sealing.key"

    @property
    def arm_token(self) -> Path:
        return self.root / "arm.token"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    def make(self) -> None:
        """Make it, for this user alone: keys, documents and outputs lie in it. What is there is closed."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root.chmod(0o700)

    def node(self, node_id: str) -> Path:
        """Root of one runner."""
        return self.root / "nodes" / node_id


def default_directory() -> DataDirectory:
    """`BATCHAI_LOCAL`, else .local in the current directory."""
    return DataDirectory(Path(os.environ.get("BATCHAI_LOCAL", ".local")).absolute())


@dataclass(frozen=True)
class Part:
    """A running part of the stack."""

    name: str
    pid: int
    where: str  #: URL, or a short description
    log: str


@dataclass(frozen=True)
class StackState:
    """A running stack, as its supervisor wrote it down. Readable by this user only."""

    pid: int  #: of the supervisor
    started: float  #: its create time, so that a reused pid is not taken for it
    storage: str  #: connection string of Azurite
    files: str  #: connection string of the Azure Files emulator
    http: str  #: base URL of the functions host
    parts: tuple[Part, ...] = ()
    arm: str = ""  #: base URL of the stand-in of ARM; "": the stack has a fixed number of runners
    #: what its runners are given, the sealing key apart: `batchai doctor` describes such a runner
    runner: Mapping[str, str] = field(default_factory=dict)

    @property
    def console(self) -> str:
        """Address of the page to look at."""
        return f"{self.http}/console/"

    @property
    def running(self) -> bool:
        """Whether the supervisor is still the same living process."""
        try:
            return abs(psutil.Process(self.pid).create_time() - self.started) < 1.0
        except psutil.NoSuchProcess:
            return False


def save(directory: DataDirectory, state: StackState) -> None:
    """Write the state whole or not at all."""
    draft = directory.state.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(state), indent=2))
    draft.replace(directory.state)


def load(directory: DataDirectory) -> StackState | None:
    """The state of the running stack; None where none runs."""
    try:
        raw = json.loads(directory.state.read_text())
        state = StackState(**{**raw, "parts": tuple(Part(**part) for part in raw["parts"])})
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return state if state.running else None
