"""A stack of two nodes and a browser in front of it, for scripts of tests/browser."""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import npm
from local.layout import DataDirectory
from local.stack import APP, Stack
from tests.support.fake_nvml import pynvml
from tests.support.installing import is_installed
from tests.support.stack_client import ROOT, StackClient

SCRIPTS = APP / "tests" / "browser"
EXPERIMENT = "seen"
#: A rank of a job of two nodes, for `pythonScriptFilePath`.
_RANK = (
    "import os\nprint('rank', os.environ['AZ_BATCHAI_TASK_INDEX'], 'on', os.environ['AZ_BATCH_NODE_ID'])\n"
)


def missing() -> str | None:
    """What is not there, and what brings it."""
    if shutil.which("chromium") is None:
        return "chromium is not installed; scripts/setup-machine installs it"
    if not is_installed(SCRIPTS / "node_modules", "browser"):
        return "Playwright is not installed; scripts/browser-env installs it"
    if not (APP / "api" / "console_files" / "index.html").is_file():
        return "the console is not built; make console builds it"
    return None


@contextmanager
def served(folder: Path) -> Iterator[StackClient]:
    """A stack with two runners, the cluster `default`, the share `logs` and the experiment EXPERIMENT."""
    directory = DataDirectory(folder)
    running = Stack(directory, print, runners=2)
    with pytest.MonkeyPatch.context() as changed:
        _pretend_gpus(changed)
        state = running.start()
    try:
        with StackClient(state) as client:
            client.share("logs")
            (directory.shares / "logs" / "rank.py").write_text(_RANK)
            assert client.drop_cluster()["state"] == "accepted"
            client.put(f"{ROOT}/default/experiments/{EXPERIMENT}", {})
            yield client
    finally:
        running.stop()


def _pretend_gpus(changed: pytest.MonkeyPatch) -> None:
    """For this process and those that it starts: two GPUs, one for each runner; the first is busy."""
    serial = uuid.uuid4().hex[:8]  # two stacks of one machine claim GPUs of their own
    busy = f"GPU-00000000-0000-0000-0000-0000{serial}"
    changed.setattr("runner.machine.nvml.pynvml", pynvml)
    changed.setenv("PYTHONPATH", str(Path(pynvml.__file__).parent))
    changed.setenv("FAKE_NVML_GPUS", "2")
    changed.setenv("FAKE_NVML_SERIAL", serial)
    changed.setenv("FAKE_NVML_LOAD", json.dumps({busy: [87, 12 * 1024**3]}))


@contextmanager
def driven() -> Iterator[str]:
    """The address of a Chromium that scripts drive, each in windows of its own."""
    command = [npm.node_binary(), str(SCRIPTS / "serve.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin and child.stdout
        yield child.stdout.readline().strip()
        child.stdin.close()
        child.wait(20)


def run(script: str, served_at: str, browser: str, seconds: float = 160, **more: str) -> str:
    """Run the tests of a script; what they said. AssertionError where one fails. `more`: its environment."""
    stack = {"url": served_at, "workspace": f"{ROOT}/default", "experiment": EXPERIMENT, "cluster": "default"}
    done = subprocess.run(
        [npm.node_binary(), "--test", "--test-reporter=spec", script],
        cwd=SCRIPTS,
        env=os.environ | more | {"BATCHAI_STACK": json.dumps(stack), "BATCHAI_BROWSER": browser},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout
