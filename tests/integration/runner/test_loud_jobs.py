"""Jobs that print more than memory holds, and nodes whose disk is full: errors, no hang, nothing lost."""

import hashlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from runner.isolation.job_user import own
from runner.isolation.node_config import NodeConfig
from runner.logs.log_writers import Writers
from runner.logs.path_folder import PathFolder
from runner.logs.shipper import LogShipper
from runner.machine.trusted_path import TrustedPath
from shared.jobs.model import Reason
from tests.integration.runner.conftest import Shares
from tests.integration.runner.stage import Stage
from tests.support.world import World

BYTES = 200_000_000
LINE = b"0123456789abcdef" * 6 + b"abc\n"  # 100 bytes


class Memory(threading.Thread):
    """Watches how much this process grows while the block runs."""

    def __init__(self) -> None:
        super().__init__()
        self._process = psutil.Process()
        self._before = self._process.memory_info().rss
        self._ended = threading.Event()
        self.grown = 0

    def run(self) -> None:
        while not self._ended.wait(0.05):
            self.grown = max(self.grown, self._process.memory_info().rss - self._before)

    def __enter__(self) -> "Memory":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self.join()


def test_two_hundred_megabytes_at_full_speed(
    world: World, shares: Shares, config: Callable[..., NodeConfig]
) -> None:
    stage = Stage(world, shares, config())
    claim = stage.claim(f"yes '{LINE.decode().strip()}' | head -c {BYTES}")
    with Memory() as memory:
        result = stage.run(claim)
    assert result.outcome is not None and result.outcome.succeeded
    seal = next(seal for seal in result.report.seals if seal.name == "stdout.txt")
    assert (seal.size, seal.lines, seal.complete) == (BYTES, BYTES // 100, True)
    with (stage.logs / stage.segment() / "stdouterr" / "stdout.txt").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == seal.sha256
    # The emulator of the share works in this process too; both together hold a few pieces of 4 MiB.
    assert memory.grown < 80_000_000


def test_two_hundred_megabytes_on_the_node_take_few_pieces_of_memory(tmp_path: Path) -> None:
    """Printed faster than it can be carried: what is not carried yet waits in the spool, not in memory."""
    spool, target = tmp_path / "spool", tmp_path / "target"
    spool.mkdir()
    target.mkdir()
    writers = Writers()
    folder = PathFolder(TrustedPath(str(target), "logs"), own(), volume=False, writers=writers)
    shipper = LogShipper(spool, folder, 1)
    path = shipper.add("stdout.txt")
    with Memory() as memory:
        shipper.start()
        command = f"yes '{LINE.decode().strip()}' | head -c {BYTES} > {path}"
        subprocess.run(["/bin/sh", "-c", command], check=True)
        (seal,) = shipper.finish(lambda begun: begun + 120)
    writers.close()
    assert (seal.size, seal.lines, seal.complete) == (BYTES, BYTES // 100, True)
    with (target / "logs" / "stdout.txt").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == seal.sha256
    assert memory.grown <= 32 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A node's disk of 4 MiB."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a tmpfs")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=False)
    if mounted.returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.parametrize(
    "command",
    ["yes | head -c 20000000", "head -c 20000000 /dev/zero > $AZ_BATCHAI_JOB_TEMP/big"],
    ids=["by its output", "by a file"],
)
def test_a_job_that_fills_the_disk_fails_and_learns_why(
    world: World, shares: Shares, config: Callable[..., NodeConfig], small_disk: Path, command: str
) -> None:
    stage = Stage(world, shares, config(root=small_disk / "root"))
    before = time.monotonic()
    result = stage.run(stage.claim(f"set -o pipefail; {command}"))
    assert time.monotonic() - before < 30
    assert result.outcome is not None
    assert (result.outcome.reason, result.outcome.exit_code) == (Reason.JOB_FAILED, 1)
    assert "the node's disk is full" in result.outcome.message
    assert stage.log("stderr.txt") or "by its output"


def test_a_node_whose_disk_is_full_says_so_and_another_tries(
    world: World, shares: Shares, config: Callable[..., NodeConfig], small_disk: Path
) -> None:
    ours = config(root=small_disk / "root")
    stage = Stage(world, shares, ours)
    claim = stage.claim()
    subprocess.run(f"head -c 5000000 /dev/zero > {small_disk}/full", shell=True, check=False)
    for number in range(10_000):  # the last inodes and pages as well
        try:
            (small_disk / f"f{number}").mkdir()
        except OSError:
            break
    result = stage.run(claim)
    assert result.outcome is not None
    assert result.outcome.reason is Reason.RUNNER_FAULT
    assert "the node's disk is full" in result.node_fault
