"""A cluster of machines that come and go, as the SDK that Microsoft published shows it: 0 -> 2 -> 0."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local import environment
from local.environment import RESOURCE_GROUP, SUBSCRIPTION
from local.layout import DataDirectory, StackState
from local.stack import Stack
from tests.support.installing import python_of

#: A machine takes long enough to be seen on its way, and the cluster shrinks while somebody waits.
TIMES = {
    "BATCHAI_LOCAL_START_SECONDS": "1",
    "BATCHAI_SCALE_IN_SECONDS": "3",
    "BATCHAI_SWEEP_SCHEDULE": "*/2 * * * * *",
}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[StackState]:
    """A stack whose subscription has quota for two of the three machines that the region has."""
    directory = DataDirectory(tmp_path / "data")
    running = Stack(directory, print, machines=3, overrides=TIMES)
    state = running.start()
    try:
        token = {"Authorization": f"Bearer {environment.arm_token(directory)}"}
        answer = httpx.patch(f"{state.arm}/control/faults", json={"quota": 2}, headers=token)
        assert answer.status_code == 200, answer.text
        yield state
        left = httpx.get(f"{state.arm}/control/machines", headers=token).json()
        assert left == []
    finally:
        running.stop()


def test_the_cluster_is_at_each_moment_what_it_says(stack: StackState) -> None:
    python = python_of("batchai7")
    asked = {
        "url": stack.http,
        "subscription": SUBSCRIPTION,
        "group": RESOURCE_GROUP,
        "workspace": "scaling",
    }
    script = Path(__file__).with_name("scaling_session.py")
    command = [str(python), "-W", "ignore", str(script), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("steady without a node once more\n")
