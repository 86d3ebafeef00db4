"""A stream that lives through a killed runner and a restarted function app."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from local import processes
from local.layout import DataDirectory, StackState
from local.stack import APP, Stack
from tests.support.command_line import CommandLine, command_line
from tests.support.stack_client import StackClient, job
from tests.support.waiting import eventually

WHERE = ("-w", "default", "-e", "default")


@pytest.fixture
def breakable(tmp_path: Path) -> Iterator[tuple[Stack, StackState]]:
    """A stack of its own with two runners and short leases."""
    overrides = {"BATCHAI_LEASE_SECONDS": "6", "BATCHAI_RENEW_SECONDS": "1.5", "BATCHAI_RESEND_SECONDS": "4"}
    stack = Stack(DataDirectory(tmp_path / "local"), print, runners=2, overrides=overrides)
    try:
        yield stack, stack.start()
    finally:
        stack.stop()


def restart_host(stack: Stack, folder: Path) -> None:
    """Kill the functions host and start it again at the same address."""
    host = stack.part("functions host")
    running = psutil.Process(host.process.pid)
    command, environment = running.cmdline(), running.environ()
    host.process.kill()
    host.process.wait()
    host.process = processes.start(host.name, command, folder / "host.log", environment, APP).process


def test_it_loses_no_byte_to_a_killed_runner_and_a_restarted_app(
    breakable: tuple[Stack, StackState], tmp_path: Path
) -> None:
    stack, state = breakable
    home = tmp_path / "home"
    home.mkdir()
    batchai: CommandLine = command_line(home, state)
    with StackClient(state) as client, ExitStack() as closing:
        client.share("logs")
        client.drop_cluster()
        # The first attempt prints until it is killed, however long the restart of the host takes.
        command = (
            "echo $AZ_BATCH_NODE_ID; [ $AZ_BATCHAI_ATTEMPT = 1 ] && most=100000 || most=300; "
            "for i in $(seq $most); do echo $AZ_BATCHAI_ATTEMPT: $i; sleep 0.03; done"
        )
        # Given a job that prints, and a stream of it
        batchai("experiment", "create", "-n", "default")
        batchai(
            "job",
            "create",
            "-n",
            "long",
            *WHERE,
            "-c",
            "default",
            "-f",
            batchai.write("j.json", job(command)),
        )
        stream = batchai.start("job", "file", "stream", "-j", "long", *WHERE, "-f", "stdout.txt")
        assert stream.stdout and stream.stderr
        closing.enter_context(stream)
        got: list[bytes] = []
        reader = threading.Thread(target=lambda: got.extend(stream.stdout or ()))
        reader.start()
        eventually(lambda: len(got) > 20, 30)
        # When the function app is restarted, and then the runner is killed
        restart_host(stack, tmp_path)
        eventually(lambda: len(got) > 100, 40)
        stack.part(f"runner {got[0].decode().strip()}").process.kill()
        reader.join(90)
        assert not reader.is_alive() and stream.wait(10) == 0, stream.stderr.read()
        # Then the stream holds what both attempts printed, each byte once
        shown = batchai.json("job", "show", "-n", "long", *WHERE)
        segment = shown["jobOutputDirectoryPathSegment"]
        # (client.log leaves out the zeros of an append that the kill cut short, and so does the stream.)
        files = [client.log(segment, name) or b"" for name in ("stdout.attempt-1.txt", "stdout.txt")]
        assert shown["attempt"] == 2 and shown["executionState"] == "succeeded"
        assert b"".join(got) == b"".join(files)
        assert files[1].endswith(b"2: 300\n")
        assert "attempt 1 ended early" in stream.stderr.read().decode()
