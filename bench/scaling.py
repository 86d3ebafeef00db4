"""What growing from nothing costs: time on the local stack, and calls for installations of several sizes.

`python -m bench.scaling zero 5`: from the drop of a job to its first line, when no machine is there,
five times, each after the last machine has gone. `python -m bench.scaling calls`: what the scaler asks of the
cloud and of storage in an hour of sweeps, for 1, 10 and 100 clusters, on stores and pools in memory.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.fileshare import ShareServiceClient

from bench import latency
from local import environment
from local.layout import DataDirectory, StackState
from local.seed import lay_out
from local.stack import Stack
from tests.support.memory.scaled import ScaledWorld, auto
from tests.support.stack_client import job

_LIMIT_SECONDS = 120.0
_SWEEP_SECONDS, _HOUR = 60.0, 3600.0


def main() -> None:
    words = sys.argv[1:] or ["calls"]
    if words[0] == "zero":
        from_zero(int(words[1]) if len(words) > 1 else 5)
    else:
        calls()


def from_zero(count: int) -> None:
    """Print the seconds from the drop to the first line."""
    with tempfile.TemporaryDirectory() as folder:
        directory = DataDirectory(Path(folder))
        stack = Stack(directory, print, machines=1, overrides={"BATCHAI_SCALE_IN_SECONDS": "1"})
        state = stack.start()
        try:
            lay_out(state, print, 1)
            _await_none(state, directory)
            seconds = [_first_line(state, directory, f"j{number}") for number in range(count)]
        finally:
            stack.stop()
    shown = ", ".join(f"{one:.1f}" for one in seconds)
    median, worst = statistics.median(seconds), max(seconds)
    print(f"\ndrop -> first line from no machine, {count} times: median {median:.1f} s, worst {worst:.1f} s")
    print(f"each: {shown}")


def _first_line(state: StackState, directory: DataDirectory, name: str) -> float:
    document = job("echo first line; sleep 1")
    with (
        BlobServiceClient.from_connection_string(state.storage) as blobs,
        ShareServiceClient.from_connection_string(state.files) as shares,
    ):
        begun = time.monotonic()
        latency.drop(blobs, name, document)
        while True:
            found = latency.get_job(state, name)
            segment = found["properties"]["jobOutputDirectoryPathSegment"] if found else ""
            client = shares.get_share_client("logs").get_file_client(f"{segment}/stdouterr/stdout.txt")
            try:
                if segment and client.download_file().readall().startswith(b"first line"):
                    break
            except ResourceNotFoundError:
                pass
            if time.monotonic() - begun > _LIMIT_SECONDS:
                raise SystemExit(f"job {name} printed nothing within {_LIMIT_SECONDS:.0f} s")
            time.sleep(0.1)
        seconds = time.monotonic() - begun
    _await_none(state, directory)
    return seconds


def _await_none(state: StackState, directory: DataDirectory) -> None:
    headers = {"Authorization": f"Bearer {environment.arm_token(directory)}"}
    deadline = time.monotonic() + _LIMIT_SECONDS
    while httpx.get(f"{state.arm}/control/machines", headers=headers).json():
        if time.monotonic() > deadline:
            raise SystemExit("a machine did not go")
        time.sleep(0.5)


def calls() -> None:
    """Print a line per number of clusters: calls of an hour of sweeps at rest, and of one in which a cluster
    is given three jobs of a minute, ten minutes apart, each of which wants a machine of its own."""
    print(f"{'clusters':>8} {'':<10}{'to the cloud':>14}{'to storage':>12}{'per sweep':>11}")
    for count in (1, 10, 100):
        for name, jobs in (("at rest", False), ("three jobs", True)):
            cloud, storage = _hour(count, jobs)
            sweeps = _HOUR / _SWEEP_SECONDS
            print(f"{count:>8} {name:<14}{cloud:>10}{storage:>12}{storage / sweeps:>11.1f}")


def _hour(clusters: int, jobs: bool) -> tuple[int, int]:
    world = ScaledWorld(auto(0, 3))
    for number in range(1, clusters):
        world.other_cluster(number, auto(0, 3))
    world.step(_SWEEP_SECONDS)
    world.pools.calls.clear()
    storage = 0
    for turn in range(int(_HOUR / _SWEEP_SECONDS)):
        if jobs and turn in (0, 10, 20):
            world.accept(f"job{turn}")
        world.step(_SWEEP_SECONDS, sweeps=False)
        # What runners and drops ask of storage is not the scaler's.
        storage += len(world.calls(world.backend.sweeper.sweep))
    return len(world.pools.calls), storage


if __name__ == "__main__":
    main()
