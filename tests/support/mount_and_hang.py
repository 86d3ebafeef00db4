"""A runner that mounts one volume and then hangs, to be killed: `python -m tests.support.mount_and_hang`.

Reads {"volume": {...}, "root": ..., "work": ...} from stdin; prints the target once it is mounted.
"""

import json
import signal
import sys
from pathlib import Path

from runner.mounts.mount import mount_volume
from runner.mounts.types import MountContext, Volume


def main() -> None:
    asked = json.load(sys.stdin)
    volume = Volume(**asked["volume"])
    premounted = {name: Path(path) for name, path in asked.get("premounted", {}).items()}
    context = MountContext(say=lambda _: None, work=Path(asked["work"]), premounted=premounted)
    with mount_volume(volume, Path(asked["root"]), context) as mounted:
        print(mounted.target, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
