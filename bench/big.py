"""Large things: `python -m bench.big [files] [page]`: 100,000 output files in pages of 1,000, documents.

The files lie empty in a share of the emulator of Azure Files. The pages are those of the REST API: each file
has a link that is signed for it. Prints seconds, and the memory that this process took beyond what it had.
"""

import json
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from local import processes
from local.azurite import ACCOUNT, KEY
from shared.documents.parse import DocumentSettings, parse_job
from shared.stores.volumes.folders import Folder
from shared.stores.volumes.listing import list_share
from tests.support.memory.world import memory_world

_APP = Path(__file__).parent.parent
_FOLDER = "outputs"


def main() -> None:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    page = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        here = root / "shares" / "logs" / _FOLDER
        here.mkdir(parents=True)
        for number in range(files):
            (here / f"step-{number:06}.ckpt").touch()
        _list(root, files, page)
    _documents()


def _list(root: Path, files: int, page: int) -> None:
    port = processes.free_port()
    command = [sys.executable, "-m", "local.files", "--root", str(root / "shares"), "--port", str(port)]
    child = processes.start("Azure Files", command, root / "files.log", cwd=_APP)
    try:
        child.wait_ready(lambda: processes.port_open(port), 30)
        folder = Folder(ACCOUNT, "logs", _FOLDER, f"http://127.0.0.1:{port}/{ACCOUNT}", KEY)
        list_share(folder, 60, 10, "", growing=False)  # what is loaded only once
        before, seen, marker, spent = _peak(), 0, "", []
        while True:
            begun = time.monotonic()
            found = list_share(folder, 60, page, marker, growing=False)
            spent.append(time.monotonic() - begun)
            seen, marker = seen + len(found.files), found.marker
            if not marker:
                break
    finally:
        child.stop()
    assert seen == files, seen
    pages = f"a page {statistics.median(spent):.2f} s, worst {max(spent):.2f} s"
    memory = f"memory {(_peak() - before) / 1024:+.1f} MiB"
    print(f"{files} files in {len(spent)} pages: {sum(spent):.1f} s, {pages}, {memory}")


def _peak() -> float:
    """The most memory this process has had, in KiB."""
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _documents() -> None:
    for kib in (1, 64, 256, 511):
        world, data = memory_world(), _document(kib * 1024)
        reading = DocumentSettings.of(world.settings)
        begun = time.process_time()
        parsed = parse_job(data, reading)
        seconds = time.process_time() - begun
        before = time.process_time()
        answer = world.submit(data=data)
        accepting = time.process_time() - before
        words = "accepted" if answer.accepted else f"refused: {answer.problems[0].message}"
        spent = f"parsed in {1000 * seconds:.0f} ms, taken in {1000 * accepting:.0f} ms"
        print(f"document of {kib:>3} KiB: {spent}: {words}")
        assert (parsed.spec is not None) == answer.accepted


def _document(size: int) -> bytes:
    """A document with as many variables of 1,000 characters as fit, then blanks."""
    properties = {
        "nodeCount": 1,
        "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT",
        "customToolkitSettings": {"commandLine": "true"},
        "environmentVariables": [
            {"name": f"V{number}", "value": "x" * 1000} for number in range(min(size // 1050, 300))
        ],
    }
    return json.dumps({"properties": properties}).encode().ljust(size)


if __name__ == "__main__":
    main()
