"""Child processes that hang, fork, or do not exist."""

import os
import sys
import time
from pathlib import Path

import pytest

from runner.machine.commands import find_program, run, stuck_children
from runner.processes.orphans import own_mark
from tests.support.waiting import eventually


def test_output_and_status_are_kept() -> None:
    result = run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout_seconds=10)
    assert (result.ok, result.code, result.output) == (False, 3, "out\nerr")


def test_a_program_that_is_not_there() -> None:
    result = run(["/no/such/program"], timeout_seconds=1)
    assert result.code is None and "could not be started" in str(result) and "No such file" in str(result)


def test_the_limit_holds_for_the_whole_group() -> None:
    started = time.monotonic()
    result = run(["sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait"], timeout_seconds=0.3)
    assert result.timed_out and not result.ok and time.monotonic() - started < 3
    grandchild = int(result.output)
    eventually(lambda: not _runs(grandchild))
    assert stuck_children() == ()


def test_a_daemon_that_keeps_the_output_open_does_not_hold_us_up() -> None:
    started = time.monotonic()
    result = run(["sh", "-c", "setsid sleep 3 & echo done"], timeout_seconds=10)
    assert result.ok and result.output == "done" and time.monotonic() - started < 2


def test_a_child_has_no_stdin_and_stands_in_the_root() -> None:
    result = run([sys.executable, "-c", "import os;print(os.getcwd(), repr(input()))"], timeout_seconds=10)
    assert "EOFError" in result.output
    assert run(["pwd"], timeout_seconds=10).output == "/"


def test_secrets_of_the_output_are_masked_and_long_output_is_cut() -> None:
    result = run(
        ["sh", "-c", "echo key=geheim; yes | head -c 100000"], timeout_seconds=10, secrets=["geheim"]
    )
    assert "geheim" not in result.output and len(result.output) <= 4000


def test_programs_beside_the_interpreter_are_found() -> None:
    assert find_program("rclone") is not None
    assert find_program("no-such-program-anywhere") is None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_programs_do_not_see_the_runners_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHAI_SEALING_KEYS", "swordfish")
    monkeypatch.setenv("AZURE_BATCHAI_STORAGE_KEY", "swordfish")
    monkeypatch.setenv("LANG", "C.UTF-8")
    shown = run(["env"], timeout_seconds=10).output
    assert "swordfish" not in shown
    assert "LANG=C.UTF-8" in shown


def test_programs_bear_the_runners_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the process tracker would take them for orphans of a job."""
    monkeypatch.setenv("BATCHAI_RUNNER_MARK", "us")
    shown = run(["sh", "-c", "env | grep ^BATCHAI_"], timeout_seconds=10).output
    for name, value in own_mark().items():
        assert f"{name}={value}" in shown
    assert "BATCHAI_RUNNER_MARK=us" in shown
