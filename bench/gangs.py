"""Jobs of several nodes on the local stack of three runners: `python -m bench.gangs 100 10`.

First two gangs of two nodes at once, so many times: every one must succeed, for each round has one node too
few for both. Then how long it takes from the end of the job that held the last node to the first line of a
process of the gang that waited for it, so many times.
"""

import json
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient

from local.environment import RESOURCE_GROUP, SUBSCRIPTION
from local.layout import DataDirectory, StackState
from local.seed import lay_out
from local.stack import Stack

_JOBS = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft.BatchAI"
    "/workspaces/default/experiments/bench/jobs/"
)
_LIMIT_SECONDS = 120
#: Says when it starts; each rank waits for the other, so that a gang that runs in parts does not end.
_SCRIPT = """
import os, sys, time
folder, name, rank = sys.argv[1], sys.argv[2], int(os.environ["AZ_BATCHAI_TASK_INDEX"])
with open(f"{folder}/{name}.{rank}", "w") as file:
    file.write(str(time.time()))
while not os.path.exists(f"{folder}/{name}.{1 - rank}"):
    time.sleep(0.02)
"""


class Bench:
    """What is dropped, and what came of it."""

    def __init__(self, state: StackState, blobs: BlobServiceClient, folder: Path) -> None:
        self._state = state
        self._blobs = blobs
        self._folder = folder
        self._script = folder / "rank.py"
        self._script.write_text(_SCRIPT)

    def gang(self, name: str) -> None:
        settings = {"pythonScriptFilePath": str(self._script), "communicationBackend": "gloo"}
        settings["commandLineArgs"] = f"{self._folder} {name}"
        self._drop(name, {"nodeCount": 2, "pyTorchSettings": settings})

    def single(self, name: str) -> None:
        """A job that holds a node until `release`, and says when it lets it go."""
        message = self._folder / name
        command = f"until [ -e {message}.go ]; do sleep 0.02; done; date +%s.%N > {message}.end"
        self._drop(name, {"nodeCount": 1, "customToolkitSettings": {"commandLine": command}})

    def release(self, name: str) -> None:
        (self._folder / f"{name}.go").touch()

    def time_of(self, name: str) -> float:
        """What a process has reported, waited for."""
        path = self._folder / name
        _wait(lambda: path.exists() and path.read_text().strip(), name)
        return float(path.read_text())

    def await_state(self, name: str, *states: str) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            job = self._get(name)
            return job if job and job["executionState"] in states else None

        found: dict[str, Any] = _wait(there, name)
        return found

    def await_waiting(self, name: str) -> None:
        def held() -> bool:
            job = self._get(name)
            return bool(job and job.get("waiting", {}).get("reason") == "GangIncomplete")

        _wait(held, name)

    def _drop(self, name: str, properties: dict[str, Any]) -> None:
        document = {"properties": {"stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT", **properties}}
        blob = self._blobs.get_blob_client("jobs", f"default/bench/{name}/job.json")
        blob.upload_blob(json.dumps(document).encode(), overwrite=True)

    def _get(self, name: str) -> dict[str, Any] | None:
        url = f"{self._state.http}{_JOBS}{name}?api-version=2018-05-01"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                properties: dict[str, Any] = json.load(answer)["properties"]
                return properties
        except urllib.error.HTTPError as error:
            error.close()
            return None


def _wait(condition: Any, what: str) -> Any:
    begun = time.monotonic()
    while time.monotonic() - begun < _LIMIT_SECONDS:
        if found := condition():
            return found
        time.sleep(0.1)
    raise SystemExit(f"{what}: nothing within {_LIMIT_SECONDS} s")


def main() -> None:
    rounds, waits = (int(word) for word in (*sys.argv[1:], "20", "5")[:2])
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(DataDirectory(Path(folder) / "stack"), print, runners=3)
        try:
            state = stack.start()
            lay_out(state, print)
            with BlobServiceClient.from_connection_string(state.storage) as blobs:
                bench = Bench(state, blobs, Path(folder))
                seconds, gave_way = _compete(bench, rounds)
                pauses = [_start_of_a_waiting_gang(bench, number) for number in range(waits)]
        finally:
            stack.stop()
    print(f"\n{rounds} times two gangs of two nodes on three: {len(seconds)} ended well, none was stuck")
    print(f"seconds from the drop to the end of both: {_figures(seconds)}; gave way to another: {gave_way}")
    if pauses:
        print(f"last node free to first process of a gang of two: {_figures(pauses)}")


def _compete(bench: Bench, rounds: int) -> tuple[list[float], int]:
    seconds, gave_way = [], 0
    for number in range(rounds):
        begun, names = time.monotonic(), (f"a-{number}", f"b-{number}")
        for name in names:
            bench.gang(name)
        for name in names:
            job = bench.await_state(name, "succeeded", "failed")
            if job["executionState"] != "succeeded":
                raise SystemExit(f"{name}: {json.dumps(job)}")
            gave_way += job["attempt"] - 1
        seconds.append(time.monotonic() - begun)
        print(f"round {number}: {seconds[-1]:.1f} s", flush=True)
    return seconds, gave_way


def _start_of_a_waiting_gang(bench: Bench, number: int) -> float:
    singles, gang = (f"one-{number}", f"two-{number}"), f"waits-{number}"
    for name in singles:
        bench.single(name)
        bench.await_state(name, "running")
    bench.gang(gang)
    bench.await_waiting(gang)
    bench.release(singles[0])
    free = bench.time_of(f"{singles[0]}.end")
    first = min(bench.time_of(f"{gang}.{rank}") for rank in (0, 1))
    bench.release(singles[1])
    for name in (*singles, gang):
        bench.await_state(name, "succeeded")
    return first - free


def _figures(values: list[float]) -> str:
    return f"median {statistics.median(values):.2f}, worst {max(values):.2f}"


if __name__ == "__main__":
    main()
