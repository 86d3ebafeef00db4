"""A runner in small: mount one volume, work in it, undo. `python -m tests.support.mount_and_work FILE.json`.

The file holds {"volume": {...}, "root": ..., "work": ..., "wait_for": a file to wait for while mounted, or
"", "timeout": seconds}. Prints "MOUNTED" and then one line of JSON; never fails for what a mount does.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from runner.machine import mountinfo
from runner.mounts.mount import mount_volume
from runner.mounts.types import MountContext, Volume
from shared.errors import MountError


def main(asked: dict[str, Any]) -> dict[str, Any]:
    said: list[str] = []
    answer: dict[str, Any] = {"said": said}
    context = MountContext(
        say=said.append, work=Path(asked["work"]), timeout_seconds=asked.get("timeout", 30)
    )
    root = Path(asked["root"])
    started = time.monotonic()
    try:
        with mount_volume(Volume(**asked["volume"]), root, context) as mounted:
            answer["mount_seconds"] = time.monotonic() - started
            found = mountinfo.mounted_at(mounted.target)
            answer |= {"driver": mounted.driver, "fstype": found and found.fstype}
            answer["options"] = list(found.options) if found else []
            answer |= work_in(mounted.target, asked.get("mebibytes", 1))
            mounted.settle(said.append)
            print("MOUNTED", flush=True)
            _wait_for(asked.get("wait_for", ""))
            ended = time.monotonic()
    except MountError as error:
        answer |= {"error": str(error), "code": error.code, "type": type(error).__name__}
        ended = answer.get("ended", started)
    answer["left"] = [mount.target for mount in mountinfo.mounted_under(root)]
    answer["seconds"] = time.monotonic() - started
    answer["undo_seconds"] = time.monotonic() - ended
    return answer


def work_in(data: Path, mebibytes: int) -> dict[str, Any]:
    """What a job does: write, append, rename, link, read back; with figures."""
    (data / "out/deep").mkdir(parents=True, exist_ok=True)
    (data / "out/deep/a.txt").write_text("one")
    with (data / "out/deep/a.txt").open("a") as file:
        file.write(" two")
    (data / "out/deep/a.txt").rename(data / "out/b.txt")
    (data / "link").symlink_to("out/b.txt")
    block = bytes(1024 * 1024)
    started = time.monotonic()
    with (data / "big").open("wb") as file:
        for _ in range(mebibytes):
            file.write(block)
    written = time.monotonic()
    size = len((data / "big").read_bytes())
    mode = (data / "out/b.txt").stat().st_mode & 0o777
    return {
        "read": (data / "link").read_text(),
        "seen": sorted(path.name for path in data.iterdir()),
        "mode": oct(mode),
        "write_mib_s": mebibytes / (written - started),
        "read_mib_s": size / 1048576 / (time.monotonic() - written),
    }


def _wait_for(name: str) -> None:
    deadline = time.monotonic() + 60
    while name and not Path(name).exists() and time.monotonic() < deadline:
        time.sleep(0.02)


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))
