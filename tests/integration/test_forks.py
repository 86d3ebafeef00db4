"""Forks of a program behave as processes of it that were started by themselves (tests/support/forks.py)."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support import forks
from tests.support.forks import Fork
from tests.support.own_network import own_network


def started(folder: Path, words: list[str], **env: str) -> Fork:
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        return forks.fork(forks.BATCHAI, ["batchai", *words], (out, err), {"PATH": "/bin", **env}, folder)


def test_its_words_output_and_exit_code(tmp_path: Path) -> None:
    assert started(tmp_path, ["--version"]).wait(30) == 0
    assert (tmp_path / "out").read_text().startswith("batchai, version ")
    assert started(tmp_path, ["nothing-of-the-kind"]).wait(30) == 2
    assert "No such command" in (tmp_path / "err").read_text()


def test_its_environment_and_its_folder(tmp_path: Path) -> None:
    """Settings are read from the home that it is given, and documents from its folder."""
    (tmp_path / "job.json").write_text("[")
    assert started(tmp_path, ["lint", "job.json"], HOME=str(tmp_path)).wait(30) == 1
    assert "job.json:1" in (tmp_path / "out").read_text() + (tmp_path / "err").read_text()


def test_it_is_a_process_of_its_own_that_signals_end(tmp_path: Path) -> None:
    stopped = started(tmp_path, ["--version"])
    assert stopped.wait(30) == 0 and stopped.poll() == 0
    runner = running(tmp_path)
    assert runner.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        runner.wait(0.01)
    assert os.getsid(runner.pid) == os.getpgid(runner.pid) == runner.pid != os.getsid(0)
    runner.kill()
    assert (runner.wait(20), runner.returncode) == (-signal.SIGKILL, -signal.SIGKILL)


def running(folder: Path) -> Fork:
    """A runner that waits for a storage which is not there."""
    storage = (
        "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:1/a;"
    )
    env = {"BATCHAI_STORAGE": storage, "BATCHAI_SEALING_KEYS": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="}
    words = ["runner", "--root", str(folder / "root"), "--gpus", "none"]
    with (folder / "log").open("wb") as log:
        return forks.fork(forks.RUNNER, words, (log, log), env | {"BATCHAI_JOB_USER": "own"}, folder)


def test_it_is_in_the_network_of_the_thread_that_asks(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root")

    def network_of(pid: int | str) -> str:
        return str(Path(f"/proc/{pid}/ns/net").readlink())

    outside = running(tmp_path)
    with own_network():
        inside = running(tmp_path)
        assert network_of(inside.pid) == network_of("thread-self") != network_of(outside.pid)
    for one in (inside, outside):
        one.kill()
        one.wait(20)
