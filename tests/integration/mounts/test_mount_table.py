"""The table of mounts is read again when it has changed, and only then. In a mount namespace of its own."""

import subprocess
import sys
from pathlib import Path

_CODE = """
import subprocess, sys
from pathlib import Path
from runner.machine import mountinfo
reads = []
def hear(event, args):
    if event == "open" and "mountinfo" in str(args[0]):
        reads.append(1)
sys.addaudithook(hear)
place = Path(sys.argv[1])
for round in range(20):
    assert mountinfo.mounted_at(place) is None, round
    subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], check=True)
    assert mountinfo.mounted_at(place) is not None, round
    subprocess.run(["umount", str(place)], check=True)
before = len(reads)
assert mountinfo.mounted_at(place) is None
assert len(reads) == before + 1
for _ in range(100):
    mountinfo.current()
assert len(reads) == before + 1
"""


def test_a_change_is_seen_at_once_and_nothing_is_read_without_one(tmp_path: Path) -> None:
    words = ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", _CODE, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.returncode == 0, done.stderr
