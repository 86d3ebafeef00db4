"""Following a job from outside: its state over HTTP, its stdout from the share, its outcome at the end."""

import json
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import FrameType
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.fileshare import ShareServiceClient
from rich.console import Console

from shared.environment.layout import STDOUTERR_FOLDER
from shared.names.ids import API_VERSION

_API = f"?api-version={API_VERSION}"
_LIVE = ("queued", "running", "terminating")
_ANSWER_SECONDS = 60.0


class Interrupt:
    """Ctrl-C, remembered: the exception that it raises can be lost where it strikes inside a callback."""

    def __init__(self) -> None:
        self._pressed = False
        signal.signal(signal.SIGINT, self._press)

    def _press(self, number: int, frame: FrameType | None) -> None:
        self._pressed = True
        raise KeyboardInterrupt

    def check(self) -> None:
        """Raises KeyboardInterrupt when Ctrl-C was pressed before."""
        if self._pressed:
            raise KeyboardInterrupt


@dataclass
class Watch:
    """One dropped job, watched until it ends."""

    console: Console
    url: str
    shares: ShareServiceClient
    blobs: BlobServiceClient
    job_path: str
    dropped: float  #: time.time() when the document was in the container
    interrupt: Interrupt
    also: Callable[[], object]  #: called with every look
    first_line: float | None = None
    _reported: tuple[str, str] = ("", "")
    _offset: int = 0
    _rest: bytes = field(default=b"")

    def follow(self) -> dict[str, Any] | None:
        """Print states and stdout until the job has ended; the job, or None when it was refused."""
        job: dict[str, Any] | None = None
        while True:
            self.interrupt.check()
            self.also()
            job = self._get()
            if job is None:
                if self._refused() or time.time() - self.dropped > _ANSWER_SECONDS:
                    return None
            elif self._is_ours(job):
                self._print_state(job)
                ended = job["properties"]["executionState"] not in _LIVE
                self._tail(job)
                if ended:
                    return job
            time.sleep(0.25)

    def _get(self) -> dict[str, Any] | None:
        try:
            with urllib.request.urlopen(self.url + _API, timeout=10) as answer:  # nosec B310 # our own URL
                loaded: dict[str, Any] = json.load(answer)
                return loaded
        except urllib.error.HTTPError as error:
            error.close()
            return None
        except (urllib.error.URLError, OSError):
            return None

    def _is_ours(self, job: dict[str, Any]) -> bool:
        """Whether this is the run of our drop, not an older one under the same name."""
        return _seconds(job["properties"]["creationTime"]) >= self.dropped - 1.0

    def _refused(self) -> bool:
        folder = self.job_path.rpartition("/")[0]
        try:
            raw = self.blobs.get_blob_client("jobs", f"{folder}/status.json").download_blob().readall()
        except ResourceNotFoundError:
            return False
        status = json.loads(raw)
        if status["state"] != "refused":
            return False
        self.console.print("   refused:")
        for problem in status["problems"]:
            self.console.print(f"   - {problem['path']}: {problem['message']}", markup=False)
        return True

    def _print_state(self, job: dict[str, Any]) -> None:
        properties = job["properties"]
        state = properties["executionState"]
        if not self._reported[0] and state != "queued":
            accepted = max(0.0, _seconds(properties["creationTime"]) - self.dropped)
            self.console.print(f"   [cyan]queued    [/cyan] {accepted:5.1f} s after the drop")
        waiting = properties.get("waiting", {})
        reason = f"{waiting['reason']}: {waiting['message']}" if waiting else ""
        if (state, waiting.get("reason", "")) != self._reported:
            self._reported = (state, waiting.get("reason", ""))
            colour = {"succeeded": "green", "failed": "red"}.get(state, "cyan")
            elapsed = time.time() - self.dropped
            self.console.print(
                f"   [{colour}]{state:<10}[/{colour}] {elapsed:5.1f} s after the drop  {reason}"
            )

    def _tail(self, job: dict[str, Any]) -> None:
        """Print what stdout.txt has gained since the last look."""
        path = f"{job['properties']['jobOutputDirectoryPathSegment']}/{STDOUTERR_FOLDER}/stdout.txt"
        client = self.shares.get_share_client("logs").get_file_client(path)
        try:
            size = client.get_file_properties().size
            if size <= self._offset:
                return
            data = client.download_file(offset=self._offset, length=size - self._offset).readall()
            # Appending is two requests: between them the end of the file is zeros.
            data = data.rstrip(b"\0")
        except AzureError:
            return  # not there yet
        if self.first_line is None:
            self.first_line = time.time()
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.console.print(f"   [dim]|[/dim] {line.decode(errors='replace')}", markup=True)

    def result(self, job: dict[str, Any]) -> int:
        """Print the outcome, the files and where the time went; the exit code."""
        properties = job["properties"]
        info = properties.get("executionInfo", {})
        code = info.get("exitCode")
        self.console.print(f"   {properties['executionState']}, exit code {'none' if code is None else code}")
        for error in info.get("errors", ()):
            self.console.print(f"   {error['code']}: {error['message']}", markup=False)
        segment = properties["jobOutputDirectoryPathSegment"]
        for share, folder in (("output", f"{segment}/outputs/model"), ("logs", f"{segment}/stdouterr")):
            self._list(share, folder)
        self._times(properties, info)
        return 1 if code is None else int(code)

    def _list(self, share: str, folder: str) -> None:
        client = self.shares.get_share_client(share).get_directory_client(folder)
        try:
            files = sorted((f["name"], int(f["size"])) for f in client.list_directories_and_files())
        except AzureError:
            return
        self.console.print(f"   share {share}: {folder}/", soft_wrap=True)
        for name, size in files:
            self.console.print(f"     {name:<20} {size:>10,} bytes")

    def _times(self, properties: dict[str, Any], info: dict[str, Any]) -> None:
        if self.first_line is None or "startTime" not in info:
            return
        created, started = _seconds(properties["creationTime"]), _seconds(info["startTime"])
        steps = (
            (
                "drop -> accepted",
                created - self.dropped,
                "the polling blob trigger finds the file (1 s here)",
            ),
            (
                "accepted -> claimed",
                started - created,
                "row, message, a machine, its runner starts and takes it",
            ),
            ("claimed -> first line", self.first_line - started, "mounts, Python and scikit-learn start"),
        )
        total = self.first_line - self.dropped
        self.console.print(f"   from the drop to the first line of output: {total:.1f} s")
        for name, seconds, what in steps:
            self.console.print(f"     {name:<22} {max(0.0, seconds):5.1f} s  {what}")


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
