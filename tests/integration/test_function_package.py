"""What `.funcignore` lets into the package of the function app: as git reads it, and as Core Tools do."""

import os
import re
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
