"""Coverage counts what measured tests reach, they and their processes, and nothing of the others, wherever
they lie (tests/support/measuring.py)."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.measuring import MEASURED, is_measured
from tests.support.sources import PROJECT

#: Each function is on a line of its own: what calls it is counted or not.
PROGRAM = """
def by_{0}_test(): return 1
def by_{0}_thread(): return 2
def by_{0}_process(): return 3
"""
TEST = """
import subprocess, sys, threading
import program

def test_it():
    program.by_{0}_test()
    thread = threading.Thread(target=program.by_{0}_thread)
    thread.start()
    thread.join()
    subprocess.run([sys.executable, "-c", "import program; program.by_{0}_process()"], check=True)
"""
WHAT = ("test", "thread", "process")
#: A test -> its file. One of another folder comes before and between those that are measured.
FILES = {
    "first": "tests/e2e/test_first.py",
    "unit": "tests/unit/test_unit.py",
    "other": "tests/integration/contract/test_other.py",
    "last": "tests/unit/test_last.py",
}


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[str]]:
    """The functions of the program of which coverage has seen the body."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "program.py").write_text(
        "".join(PROGRAM.format(name).replace(": ", ":\n    ") for name in FILES)
    )
    for name, path in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(TEST.format(name))
    (folder / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\npythonpath = ["."]\naddopts = ["-p", "no:cacheprovider"]\n'
        '[tool.coverage.run]\nparallel = true\npatch = ["subprocess"]\nsource = ["program"]\n'
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    env |= {"PYTHONPATH": os.pathsep.join((str(PROJECT), str(folder)))}
    words = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.measuring", "--rootdir", str(folder)]
    words += ["--cov", "--cov-report=json:found.json", *FILES.values()]
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    functions = json.loads((folder / "found.json").read_text())["files"]["program.py"]["functions"]
    yield {name for name, found in functions.items() if name and found["executed_lines"]}


def test_a_measured_test_is_counted_with_its_threads_and_processes(counted: set[str]) -> None:
    assert {name for name in counted if "unit" in name} == {f"by_unit_{what}" for what in WHAT}
    assert {name for name in counted if "last" in name} == {f"by_last_{what}" for what in WHAT}


def test_nothing_of_the_others_is_counted(counted: set[str]) -> None:
    assert not {name for name in counted if "first" in name or "other" in name}


def test_the_longest_beginning_counts_and_each_is_that_of_a_test() -> None:
    assert is_measured("tests/integration/test_new.py::test_it") and is_measured(
        "tests/unit/test_x.py::test_it"
    )
    assert is_measured("tests/e2e/test_stack.py::test_it") and not is_measured(
        "tests/e2e/test_new.py::test_it"
    )
    missing = [name for name in MEASURED if not (PROJECT / name).exists()]
    assert not missing
