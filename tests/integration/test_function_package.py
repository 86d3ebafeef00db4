"""What `.funcignore` lets into the package of the function app, as git and as Core Tools read it; and the
package in Microsoft's own runtime, which finds its functions and calls one of each kind."""

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api import routes
from local.azurite import Endpoints
from shared.names.ids import ClusterId, queue_name
from shared.settings import DEFAULT_SCOPE
from tests.support.installing import is_installed
from tests.support.needs import need
from tests.support.waiting import eventually
from tests.support.world import CLUSTER, World, document

PROJECT = Path(__file__).parents[2]
FUNCIGNORE = PROJECT / ".funcignore"
#: What lies about in a developer's checkout, files of the package aside.
RUBBISH = """
    .venv/lib/python3.11/site-packages/api/x.py .venvs/mpi/lib/shared/x.py venv/bin/python
    .local/stack.json .git/config .gitignore .ci/run .vscode/settings.json .idea/workspace.xml .DS_Store
    node_modules/azurite/index.js local/node/node_modules/azurite/api/x.py api/node_modules/a/index.js
    shared/node_modules/b/x.py build/lib/shared/x.py build/lib/api/x.py dist/x.whl
    batchai_serverless.egg-info/PKG-INFO shared/x.egg-info/PKG-INFO
    __pycache__/function_app.cpython-311.pyc api/__pycache__/jobs.cpython-311.pyc
    shared/stores/__pycache__/jobs.cpython-311.pyc shared/__pycache__/x.py .mypy_cache/3.11/api/x.py
    .pytest_cache/README.md .ruff_cache/x .hypothesis/examples/x shared/.hypothesis/x .coverage
    htmlcov/index.html LICENSE README.md Makefile MANIFEST.in pyproject.toml constraints.txt
    local.settings.json local.settings.example.json .funcignore .env notes.txt notes/shared/x.py
    secret.key bench/volumes.py cli/main.py deploy/main.bicep docs/flow.svg examples/hello/job.json
    local/host/host.py runner/agent/loop.py runner/ssh/mount_copy.py schemas/job.json scripts/setup
    tests/unit/test_audit.py api/notes.txt shared/key.pem shared/stores/notes.md shared/stores/host.json
    api/data/requirements.txt console/src/main.ts console/node_modules/preact/dist/preact.js
    console/package.json console/index.html
"""


def packaged() -> set[str]:
    """What the function app needs."""
    code = {path for folder in ("api", "shared") for path in (PROJECT / folder).rglob("*.py")}
    code |= {path for path in (PROJECT / "api/console_files").rglob("*") if path.is_file()}
    return {"function_app.py", "host.json", "requirements.txt"} | {
        path.relative_to(PROJECT).as_posix() for path in code
    }


def by_git(tree: Path, work: Path) -> set[str]:
    """The files of `tree` that git does not ignore: gitignore's rules, as most tools read the file."""
    git = ["git", f"--git-dir={work / 'git'}", f"--work-tree={tree}"]
    subprocess.run([*git, "init", "-q"], check=True)
    words = [*git, "ls-files", "--others", "-z", f"--exclude-from={FUNCIGNORE}"]
    listed = subprocess.run(words, check=True, capture_output=True, text=True, cwd=tree).stdout
    return set(listed.split("\0")) - {""}


def by_core_tools(tree: Path, work: Path) -> set[str]:
    """The files of `tree` that `func azure functionapp publish` takes.

    Core Tools have rules of their own (their GitIgnoreParser.cs and FileSystemHelpers.cs): a line is the
    beginning of a path, a star stands for one character or more, a line with ! wins wherever it stands.
    """
    lines = [line.strip() for line in FUNCIGNORE.read_text().splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    denied = _beginnings([line for line in lines if not line.startswith("!")])
    accepted = _beginnings([line.removeprefix("!") for line in lines if line.startswith("!")])
    return {path for path in _offered(tree) if accepted.match(path) or not denied.match(path)}


def _beginnings(lines: list[str]) -> re.Pattern[str]:
    words = [re.escape(line.removeprefix("/")) for line in lines]
    return re.compile("|".join(w.replace(r"\*\*", "(.+)").replace(r"\*", "([^/]+)") for w in words))


def _offered(tree: Path) -> Iterator[str]:
    never = {".funcignore", ".gitignore", "local.settings.json", "project.lock.json"}
    for folder, folders, files in os.walk(tree):
        folders[:] = [name for name in folders if name not in (".git", ".vscode")]
        # Once a folder: environments beside it hold a hundred thousand files.
        below = Path(folder).relative_to(tree)
        start = f"{below.as_posix()}/" if below.parts else ""
        yield from (start + name for name in files if name not in never)


@pytest.mark.parametrize("reader", [by_git, by_core_tools])
def test_of_a_developers_checkout_only_what_the_app_needs_is_packaged(
    tmp_path: Path, reader: Callable[[Path, Path], set[str]]
) -> None:
    tree = tmp_path / "tree"
    for name in packaged() | set(RUBBISH.split()):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    assert reader(tree, tmp_path) == packaged()


@pytest.mark.parametrize("reader", [by_git, by_core_tools])
def test_of_this_checkout_too(tmp_path: Path, reader: Callable[[Path, Path], set[str]]) -> None:
    assert reader(PROJECT, tmp_path) == packaged()


#: Routes of functions that are not called as their route is.
ROUTES = {"jobs_get": routes.JOB}
RUNTIME = Path(os.environ.get("BATCHAI_TEST_FUNCTIONS", PROJECT / ".venvs/functions")) / "bin" / "python"


class Worker:
    """Microsoft's runtime in a process of its own, with the package (tests/support/functions_worker.py)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.begun = self._read()

    def call(self, function: str, data: Mapping[str, Any], **metadata: Mapping[str, Any]) -> dict[str, Any]:
        """What the host is answered: the status, and what the function returned."""
        assert self._process.stdin
        asked = {"function": function, "input": data, "metadata": metadata}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the runtime has ended: see what it printed"
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def worker(package: Path, **settings: str) -> Iterator[Worker]:
    if not (is_installed(RUNTIME.parents[1], "functions") or RUNTIME.exists()):
        need("no .venvs/functions: scripts/functions-env makes it where there is Python 3.13")
    env = {"PATH": os.environ["PATH"], **settings}
    words = [str(RUNTIME), str(PROJECT / "tests/support/functions_worker.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=package, env=env, stdin=pipe, stdout=pipe, text=True) as process:
        yield Worker(process)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The package as it is deployed: nothing of the checkout beside it."""
    folder = tmp_path / "package"
    for name in packaged():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    return folder


def test_the_package_is_at_most_a_megabyte(package: Path, tmp_path: Path) -> None:
    made = shutil.make_archive(str(tmp_path / "package"), "zip", package)
    assert Path(made).stat().st_size <= 1024 * 1024


@pytest.mark.parametrize(
    ("source", "drops"),
    [
        ("", {"job_dropped", "sweep_dropped", "cluster_dropped"}),
        ("eventgrid", {"job_dropped", "sweep_dropped", "cluster_dropped"}),
        ("queue", {"drop_announced", "drop_given_up"}),
    ],
)
def test_microsofts_runtime_indexes_the_package(package: Path, source: str, drops: set[str]) -> None:
    with worker(package, BATCHAI_BLOB_SOURCE=source) as runtime:
        assert runtime.begun["python"].startswith("3.13.")
        names = set(runtime.begun["functions"])
    assert len(names) >= 40
    assert {name for name in names if "drop" in name} == drops
    assert {"sweep", "health", "jobs_create"} <= names


def test_a_wrong_source_of_drops_is_reported_at_start(package: Path) -> None:
    with worker(package, BATCHAI_BLOB_SOURCE="Sometimes") as runtime:
        failed = runtime.begun["failed"]
    assert "BATCHAI_BLOB_SOURCE is 'Sometimes'; it must be LogsAndContainerScan" in failed


def test_microsofts_runtime_calls_functions_of_each_kind(
    package: Path, azurite: Endpoints, world: World
) -> None:
    settings = {
        "BATCHAI_STORAGE": azurite.connection_string,
        "BATCHAI_SEALING_KEYS": base64.b64encode(b"k" * 32).decode(),
        "BATCHAI_BLOB_SOURCE": "Queue",
        "BATCHAI_SWEEP_SCHEDULE": "0 * * * * *",
        "BATCHAI_RESEND_SECONDS": "1",
    }
    name, cluster = world.id("called"), ClusterId(world.cluster.workspace, "called")
    job, no_job = world.place("called"), f"jobs/{name.workspace}/exp/near/Job.json"
    with worker(package, **settings) as runtime:
        assert _http(runtime, "health") == (200, {"status": "ok"})
        # The two drops, as Event Grid announces them.
        _put(world, f"clusters/{cluster}/cluster.json", json.dumps(CLUSTER).encode())
        _put(world, job, document(cluster={"id": cluster.cluster}))
        for place in (f"clusters/{cluster}/cluster.json", job):
            _succeeded(runtime.call("drop_announced", {"string": _event(place)}, **_about_the_message()))
        found = world.manager.get(name)
        assert (found.state, found.cluster) == ("queued", cluster)
        # Over HTTP it is the same job.
        scope = {
            "subscription": DEFAULT_SCOPE.subscription_id,
            "resource_group": DEFAULT_SCOPE.resource_group,
        }
        route = scope | {"workspace": name.workspace, "experiment": "exp", "job": "called"}
        status, shown = _http(runtime, "jobs_get", **route)
        assert (status, shown["name"], shown["properties"]["executionState"]) == (200, "called", "queued")
        assert _http(runtime, "jobs_get", **route | {"job": "other"})[0] == 404
        # What was lost is sent again by the timer, and a file that no trigger sees gets its answer.
        queue = world.backend.connection.queues.get_queue_client(queue_name(cluster, "normal"))
        queue.clear_messages()
        _put(world, no_job, document())
        eventually(lambda: _swept(runtime) and world.stores.queues.count(cluster) == 1, 20)
    beside = world.backend.connection.blobs.get_blob_client("jobs", f"{name.workspace}/exp/near/status.json")
    assert "Call it job.json" in beside.download_blob().readall().decode()


def test_a_function_that_fails_is_reported_as_failed(package: Path) -> None:
    """So that the host delivers a message again: here the app has no settings to work with."""
    settings = {"BATCHAI_BLOB_SOURCE": "Queue", "BATCHAI_SWEEP_SCHEDULE": "0 * * * * *"}
    with worker(package, **settings) as runtime:
        answer = runtime.call("drop_announced", {"string": _event("jobs/a/job.json")}, **_about_the_message())
    assert answer["result"].get("status", "Failure") == "Failure"
    assert "BATCHAI_STORAGE is missing" in answer["result"]["exception"]["message"]


def _put(world: World, place: str, data: bytes) -> None:
    container, _, path = place.partition("/")
    world.backend.connection.blobs.get_blob_client(container, path).upload_blob(data)


def _event(place: str) -> str:
    container, _, path = place.partition("/")
    subject = f"/blobServices/default/containers/{container}/blobs/{path}"
    return json.dumps({"id": "1", "eventType": "Microsoft.Storage.BlobCreated", "subject": subject})


def _about_the_message() -> dict[str, dict[str, str]]:
    """The trigger's metadata of a queue message, as the host writes it."""
    moment = {"json": '"2026-01-02T03:04:05+00:00"'}
    times = dict.fromkeys(("ExpirationTime", "InsertionTime", "NextVisibleTime"), moment)
    texts = {"Id": {"string": "message-1"}, "PopReceipt": {"string": "receipt"}}
    return texts | times | {"DequeueCount": {"json": "1"}}


def _succeeded(answer: dict[str, Any]) -> bool:
    assert answer["result"].get("status") == "Success", answer
    return True


def _swept(runtime: Worker) -> bool:
    times = {
        "Last": "2026-01-02T03:04:00",
        "LastUpdated": "2026-01-02T03:04:00",
        "Next": "2026-01-02T03:05:00",
    }
    timer = {"Schedule": {"AdjustForDST": False}, "ScheduleStatus": times, "IsPastDue": False}
    return _succeeded(runtime.call("sweep", {"json": json.dumps(timer)}))


def _http(runtime: Worker, function: str, **route: str) -> tuple[int, Any]:
    """Status and JSON of a GET."""
    url = f"https://app.azurewebsites.net/{ROUTES.get(function, function).format(**route)}"
    query = {"api-version": "2018-05-01"}
    request = {"method": "GET", "url": url, "headers": {"host": "app"}, "query": query, "params": route}
    answer = runtime.call(function, {"http": request})
    _succeeded(answer)
    http = answer["returned"]["http"]
    return int(http["status_code"]), json.loads(http["body"]["text"])
