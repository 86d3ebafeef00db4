"""`pytest --forks`: whatever is asked of pytest, the same comes of it as where one process runs the tests."""

import os
import re
import signal
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support import distribution
from tests.support.distribution import PROJECT
from tests.support.waiting import eventually

CONFTEST = """
from tests.support import forked

def pytest_addoption(parser):
    forked.add_option(parser)

def pytest_runtestloop(session):
    return forked.run(session)
"""
#: Three files: three parts.
FILES = {
    "test_a.py": """
import os, sys, warnings, pytest

def test_passes(record_property):
    record_property("process", "one")

def test_fails():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    os.system("echo of a child")
    assert [1, 2] == [1, 3]

@pytest.mark.skip(reason="not now")
def test_skipped(): pass

@pytest.mark.xfail
def test_expected(): assert False

def test_warns():
    warnings.warn(UserWarning("careful"))
""",
    "test_b.py": """
import pytest

@pytest.fixture(scope="session")
def broken():
    raise ValueError("no fixture")

@pytest.fixture(scope="module")
def torn():
    yield
    raise ValueError("no end")

def test_error(broken): pass

@pytest.mark.parametrize("number", [1, 2, 3])
def test_number(number, torn): assert number < 3
""",
    "test_c.py": """
import pytest

@pytest.fixture(scope="session")
def late():
    yield
    print("at the very end")
    raise ValueError("no end of the session")

def test_passes(tmp_path): assert tmp_path.is_dir()

def test_last(late): pass
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"conftest.py": CONFTEST, "pytest.ini": "[pytest]\n", **FILES}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run(folder: Path, code: int, *options: str) -> str:
    command = [sys.executable, "-m", "pytest", *options, str(folder), "--rootdir", str(folder)]
    command += ["-c", str(folder / "pytest.ini"), "-p", "no:anyio"]
    # What it measures is not of the run that measures this test.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    return distribution.run(command, PROJECT, code, env=env)


def lines(printed: str) -> list[str]:
    """In no order; without times, and the dots, which say where each is."""
    timeless = re.sub(r"\d+\.\d\ds|\[ *\d+%\]", "", printed)
    return sorted(line for line in timeless.splitlines() if not re.fullmatch(r"[.FEsx ]+", line))


def test_the_same_is_printed(folder: Path) -> None:
    alone, forked = (run(folder, 1, "-q", "-rA", "--forks", forks) for forks in ("1", "2"))
    assert "of a child" in alone and "no end" in alone and "UserWarning: careful" in alone
    assert lines(forked) == lines(alone)


def test_the_exit_code_says_how_it_went(folder: Path) -> None:
    assert "2 passed" in run(folder, 0, "--forks", "2", "-k", "passes")
    run(folder, 5, "--forks", "2", "-k", "nothing_of_the_kind")
    (folder / "test_d.py").write_text("import nothing_of_the_kind\n")
    run(folder, 2, "--forks", "2")
    run(folder, 4, "--forks", "0")


def test_the_first_failure_ends_it(folder: Path) -> None:
    for number in range(20):
        (folder / f"test_z{number}.py").write_text("import time\ndef test_waits(): time.sleep(0.2)\n")
    assert "stopping after 1 failures" in run(folder, 1, "--forks", "2", "-x")


def test_what_failed_last_is_known(folder: Path) -> None:
    run(folder, 1, "--forks", "2", "-k", "not last")
    again = run(folder, 1, "--forks", "2", "-k", "not last", "--lf", "-q")
    assert "2 failed" in again and "passed" not in again


def test_junit_has_every_test(folder: Path) -> None:
    file = folder / "junit.xml"
    written = []
    for forks in ("1", "2"):
        run(folder, 1, "--forks", forks, f"--junit-xml={file}")
        suite = ElementTree.parse(file).getroot()[0]
        assert suite.find(".//property[@name='process']") is not None
        cases = [(each.get("name"), [child.tag for child in each]) for each in suite.iter("testcase")]
        written.append(
            (sorted(cases), [suite.get(name) for name in ("tests", "failures", "errors", "skipped")])
        )
    assert written[0] == written[1]


def test_a_fork_that_dies_is_noticed(folder: Path) -> None:
    (folder / "test_d.py").write_text("import os\ndef test_dies(): os._exit(7)\n")
    assert "a fork ended with 7" in run(folder, 3, "--forks", "2")


def test_forks_end_their_fixtures_where_their_parent_is_killed(folder: Path) -> None:
    (folder / "test_d.py").write_text(
        """
import os, signal, time
from pathlib import Path
import pytest

@pytest.fixture(scope="session")
def kept():
    yield
    Path(__file__).with_name("ended").touch()

def test_kills(kept):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(30)
"""
    )
    run(folder, -signal.SIGKILL, "--forks", "2", "-k", "kills or number")
    assert eventually((folder / "ended").exists, 20)


def test_no_part_waits_behind_another(folder: Path) -> None:
    """Three parts are left when the first begins its last test, which waits for all of them."""
    waits = "while len(list(Path(__file__).parent.glob('ended_*'))) < 3: time.sleep(0.05)"
    (folder / "test_0.py").write_text(
        f"import time\nfrom pathlib import Path\ndef test_waits():\n    {waits}\n"
    )
    for number in range(1, 4):
        text = f"def test_short(): Path(__file__).with_name('ended_{number}').touch()\n"
        (folder / f"test_{number}.py").write_text("from pathlib import Path\n" + text)
    assert "4 passed" in run(folder, 0, "--forks", "2", "-k", "waits or short", "--timeout", "30")


def test_lines_that_forks_reach_are_measured(folder: Path) -> None:
    (folder / "measured.py").write_text("def one():\n    return 1\n\ndef two():\n    return 2\n")
    for name in ("one", "two"):
        (folder / f"test_{name}.py").write_text(f"import measured\ndef test_it(): assert measured.{name}()\n")
    (folder / "rc").write_text(f"[run]\ndata_file = {folder}/data\n")
    options = ("--cov=measured", "--cov-report=term", f"--cov-config={folder}/rc", "-k", "test_it")
    assert re.search(r"measured\.py +4 +0 +100%", run(folder, 0, "--forks", "2", *options))
