"""What the tests use as `blobfuse2` on a machine that has none: its command line, configuration and manners.

Reads the same configuration and environment, asks for the container before it mounts, fails with exit status
1 and words on stderr where the container or the key is wrong, stays in the foreground, and lets a file be in
the container when close() returns. The file system itself is rclone's.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from azure.core.exceptions import AzureError
from azure.storage.blob import ContainerClient

from runner.machine.commands import find_program
from runner.mounts.drivers import rclone_remote
from runner.mounts.types import BLOB_CONTAINER, Volume

_REPORTED = "LOG_ERR [libfuse_handler.go (897)]: Libfuse::libfuse_{} : error {} file {}, handle: 2 [{}]"


def main(arguments: list[str]) -> int:
    """Exit status; does not return where the mount can be (this process becomes it)."""
    verb, target, *flags = arguments
    given = dict(flag.removeprefix("--").partition("=")[::2] for flag in flags)
    config = json.loads(Path(given["config-file"]).read_text())
    assert verb == "mount" and config["foreground"] and config["components"][0] == "libfuse"
    storage = config["azstorage"]
    volume = Volume(
        BLOB_CONTAINER,
        "x",
        account=storage["account-name"],
        container=storage["container"],
        endpoint=storage["endpoint"],
        key=os.environ.get("AZURE_STORAGE_ACCESS_KEY", "") if storage["mode"] == "key" else "",
    )
    try:
        with ContainerClient(
            volume.service_url, volume.container, credential=volume.key, retry_total=0
        ) as client:
            next(iter(client.list_blobs(results_per_page=1)), None)
    except AzureError as error:
        print(f"Error: mount: failed to initialize new pipeline [{error}]", file=sys.stderr)
        return 1
    rclone = find_program("rclone") or "rclone"
    options = ["--vfs-cache-mode=off", "--allow-other", "--umask=0", "--file-perms=0777", "--dir-perms=0777"]
    if config["read-only"]:
        options.append("--read-only")
    remote = rclone_remote.remote(volume)
    _reword_errors()
    return os.execve(rclone, [rclone, "mount", remote, target, *options], rclone_remote.environment(volume))


def _reword_errors() -> None:
    """What this process says on stderr from now on is written by a child, which adds blobfuse2's own
    words."""
    child = subprocess.Popen([sys.executable, __file__, "--reword"], stdin=subprocess.PIPE)
    assert child.stdin
    os.dup2(child.stdin.fileno(), 2)
    os.set_inheritable(2, True)


def reword() -> int:
    """rclone's lines, and those of blobfuse2 2.5.6 where rclone says that a file could not be uploaded."""
    for line in sys.stdin:
        print(line, end="", flush=True)
        if found := re.search(r"ERROR : (.*): WriteFileHandle.New Rcat failed: (.*)", line):
            print(_REPORTED.format("flush", "flushing", *found.groups()), flush=True)
            print(_REPORTED.format("release", "closing", *found.groups()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(reword() if sys.argv[1:] == ["--reword"] else main(sys.argv[1:]))
