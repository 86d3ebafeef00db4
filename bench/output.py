"""How fast what a job prints arrives, and what that takes: `python -m bench.output 1000`.

A job prints so many megabytes as fast as it can into its spool file, and the log shipper carries them
meanwhile to a folder of the node. Printed are both speeds, whether all has arrived whole, and how much this
process grew.
"""

import hashlib
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from runner.isolation.job_user import own
from runner.logs.path_folder import PathFolder
from runner.logs.shipper import LogShipper
from runner.machine.trusted_path import TrustedPath

_MB = 1_000_000
_LINE = "0123456789abcdef" * 6 + "abc"


def main() -> None:
    size = int(sys.argv[1] if len(sys.argv) > 1 else 1000) * _MB
    with tempfile.TemporaryDirectory() as root:
        spool, target = Path(root, "spool"), Path(root, "target")
        spool.mkdir()
        target.mkdir()
        shipper = LogShipper(spool, PathFolder(TrustedPath(str(target), "logs"), own(), volume=False), 1)
        path = shipper.add("stdout.txt")
        memory = _Memory()
        memory.start()
        shipper.start()
        begun = time.monotonic()
        with path.open("wb") as file:
            subprocess.run(["/bin/sh", "-c", f"yes {_LINE} | head -c {size}"], stdout=file, check=True)
        printed = time.monotonic() - begun
        (seal,) = shipper.finish(lambda began: began + 600)
        arrived = time.monotonic() - begun
        memory.ended.set()
        memory.join()
        with (target / "logs" / "stdout.txt").open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest() == seal.sha256
    print(f"printed {size / _MB / printed:.0f} MB/s, arrived {size / _MB / arrived:.0f} MB/s")
    said = f"complete {seal.complete and seal.size == size}, same bytes {whole}"
    print(f"{said}, {memory.most:.0f} MiB more memory")


class _Memory(threading.Thread):
    """How much this process grows while it runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._before, self.most = _resident(), 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.05):
            self.most = max(self.most, _resident() - self._before)


def _resident() -> float:
    """MiB of this process."""
    return float(psutil.Process().memory_info().rss) / 1024 / 1024


if __name__ == "__main__":
    main()
