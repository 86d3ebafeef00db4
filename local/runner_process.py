"""How a runner of the stack is started: its command, and the cluster it works for."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from local.layout import DataDirectory
from runner.machine.gpu_share import Gpu
from shared.names.ids import ClusterId


@dataclass(frozen=True)
class RunnerPlace:
    """One runner of the machine: what stays its own, whatever cluster it works for."""

    node_id: str
    address: str
    gpus: str  #: as for `--gpus`
    directory: DataDirectory

    def root(self, cluster: ClusterId) -> Path:
        """Its folder while it works for `cluster`: as a machine of that cluster it has seen no other, whose
        volumes and setup task it would find here. Short, for sockets lie below it."""
        digest = hashlib.sha256(str(cluster).lower().encode()).hexdigest()[:6]
        return self.directory.node(self.node_id) / digest

    def command(self, cluster: ClusterId) -> list[str]:
        """The command that makes it work for `cluster`."""
        words = ["--cluster", str(cluster), "--node-id", self.node_id, "--root", str(self.root(cluster))]
        return [sys.executable, "-m", "runner", *words, "--gpus", self.gpus, "--address", self.address]


def loopback_address(number: int) -> str:
    """An address of this machine that is the runner's own: the nodes of a job open the same ports. Only Linux
    answers on all of 127.0.0.0/8 without being set up for it."""
    return f"127.0.0.{1 + number % 254}" if sys.platform == "linux" else "127.0.0.1"


def dealt_gpus(machine: Sequence[Gpu], runners: int) -> list[str]:
    """The machine's GPUs dealt out to its runners, as their `--gpus`: neighbours together, none twice."""
    edges = [number * len(machine) // runners for number in range(runners + 1)] if runners else []
    parts = [machine[first:end] for first, end in pairwise(edges)]
    return [",".join(str(device.index) for device in part) or "none" for part in parts]
