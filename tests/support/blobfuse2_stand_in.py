"""What the tests use as `blobfuse2` on a machine that has none: its command line, configuration and manners.

Reads the same configuration and environment, asks for the container before it mounts, fails with exit status
1 and words on stderr where the container or the key is wrong, stays in the foreground, and lets a file be in
the container when close() returns. The file system itself is rclone's.
"""

import json
import os
import sys
from pathlib import Path

from azure.core.exceptions import AzureError
from azure.storage.blob import ContainerClient

from runner.mounts import rclone_remote
from runner.mounts.commands import find_program
from runner.mounts.types import BLOB_CONTAINER, Volume


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
        sas=os.environ.get("AZURE_STORAGE_SAS_TOKEN", "") if storage["mode"] == "sas" else "",
    )
    try:
        with ContainerClient(
            volume.service_url, volume.container, credential=volume.key or volume.sas, retry_total=0
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
    return os.execve(rclone, [rclone, "mount", remote, target, *options], rclone_remote.environment(volume))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
