"""What `.funcignore` lets into the package of the function app: as git reads it, and as Core Tools do."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
    api/data/requirements.txt
"""


def packaged() -> set[str]:
    """What the function app needs."""
    code = {path for room in ("api", "shared") for path in (PROJECT / room).rglob("*.py")}
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
        yield from (Path(folder, name).relative_to(tree).as_posix() for name in files if name not in never)


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


RUNTIME = Path(os.environ.get("BATCHAI_TEST_FUNCTIONS", PROJECT / ".venvs/functions")) / "bin" / "python"


def _index(package: Path, source: str) -> subprocess.CompletedProcess[str]:
    if not RUNTIME.exists():
        pytest.skip("no .venvs/functions: scripts/functions-env makes it where there is Python 3.13")
    env = {"PATH": os.environ["PATH"], "BATCHAI_BLOB_SOURCE": source}
    command = [str(RUNTIME), str(PROJECT / "tests/support/indexed.py")]
    return subprocess.run(command, cwd=package, env=env, capture_output=True, text=True, check=False)


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
        ("", {"job_dropped", "cluster_dropped"}),
        ("eventgrid", {"job_dropped", "cluster_dropped"}),
        ("queue", {"drop_announced", "drop_given_up"}),
    ],
)
def test_microsofts_runtime_indexes_the_package(package: Path, source: str, drops: set[str]) -> None:
    done = _index(package, source)
    assert done.returncode == 0, done.stderr[-3000:]
    names = set(json.loads(done.stdout.splitlines()[-1])["functions"])
    assert len(names) >= 40
    assert {name for name in names if "drop" in name} == drops
    assert {"sweep", "health", "jobs_create"} <= names


def test_a_wrong_source_of_drops_is_told_at_start(package: Path) -> None:
    done = _index(package, "Sometimes")
    assert done.returncode != 0
    assert "BATCHAI_BLOB_SOURCE is 'Sometimes'; it must be LogsAndContainerScan" in done.stderr
