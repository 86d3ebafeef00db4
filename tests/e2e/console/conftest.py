"""A stack of two nodes and a browser for all tests of the console."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from azure.data.tables import TableClient, TableServiceClient

from local import npm
from local.layout import DataDirectory
from local.stack import APP, Stack
from shared.names.ids import ClusterId
from shared.stores.job_table import TABLE
from tests.support import fake_nvml
from tests.support.many_jobs import ended_jobs, listed_by_time
from tests.support.needs import need
from tests.support.stack_client import ROOT, StackClient

SCRIPTS = APP / "tests" / "browser"
EXPERIMENT = "seen"
#: A rank of a job of two nodes, for `pythonScriptFilePath`.
RANK = "import os\nprint('rank', os.environ['AZ_BATCHAI_TASK_INDEX'], 'on', os.environ['AZ_BATCH_NODE_ID'])\n"

#: Of every runner: two GPUs, the first of which works.
_PRETENDED_GPUS = {
    "PYTHONPATH": str(Path(fake_nvml.__file__).parent),
    "FAKE_NVML_GPUS": "2",
    "FAKE_NVML_LOAD": json.dumps({"GPU-00000000-0000-0000-0000-000000000000": [87, 12 * 1024**3]}),
}

Look = Callable[[str], str]


def _missing() -> str | None:
    if shutil.which("chromium") is None:
        return "chromium is not installed; scripts/setup-machine installs it"
    if not (SCRIPTS / "node_modules" / "playwright-core").is_dir():
        return "Playwright is not installed; scripts/browser-env installs it"
    if not (APP / "api" / "console_files" / "index.html").is_file():
        return "the console is not built; make console builds it"
    return None


@pytest.fixture(scope="session")
def browser() -> Iterator[str]:
    """The address of a Chromium that all scripts drive, each in windows of its own."""
    need(_missing())
    command = [npm.node_binary(), str(SCRIPTS / "serve.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin and child.stdout
        yield child.stdout.readline().strip()
        child.stdin.close()
        child.wait(20)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackClient]:
    """A stack with two runners, the cluster `default`, the share `logs` and an experiment for the tests."""
    need(_missing())
    directory = DataDirectory(tmp_path_factory.mktemp("console"))
    running = Stack(directory, print, runners=2)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in _PRETENDED_GPUS.items():
            environment.setenv(name, value)
        state = running.start()
    try:
        with StackClient(state) as client:
            client.share("logs")
            (directory.shares / "logs" / "rank.py").write_text(RANK)
            assert client.drop_cluster()["state"] == "accepted"
            client.put(f"{ROOT}/default/experiments/{EXPERIMENT}", {})
            yield client
    finally:
        running.stop()


@pytest.fixture(scope="module")
def filled(console: StackClient) -> Iterator["Future[None]"]:
    """Done when 10,000 jobs that have ended are there; they are written while other tests run."""
    with (
        ThreadPoolExecutor(1) as pool,
        TableServiceClient.from_connection_string(console.state.storage) as tables,
    ):
        console.put(f"{ROOT}/default/experiments/exp", {})
        yield pool.submit(_fill, tables.get_table_client(TABLE))


def _fill(table: TableClient) -> None:
    jobs = ended_jobs(ClusterId("default", "default"), 10_000, datetime.now(UTC))
    rows = map(listed_by_time, jobs)
    while part := list(islice(rows, 100)):
        table.submit_transaction([("create", entity) for entity in part])


@pytest.fixture
def look(console: StackClient, browser: str) -> Look:
    """look(script): run the tests of a script; what they said. Fails where one does."""
    stack = {
        "url": console.state.http,
        "workspace": f"{ROOT}/default",
        "experiment": EXPERIMENT,
        "cluster": "default",
    }
    env = os.environ | {"BATCHAI_STACK": json.dumps(stack), "BATCHAI_BROWSER": browser}

    def run(script: str) -> str:
        command = [npm.node_binary(), "--test", "--test-reporter=spec"]
        done = subprocess.run(
            [*command, script], cwd=SCRIPTS, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        print(done.stdout)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        return done.stdout

    return run
