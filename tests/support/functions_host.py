"""The thin functions host as a child process, over a small app written for one test."""

import json
import os
import re
import signal
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import httpx

from local import processes
from tests.support.waiting import eventually

PROJECT = Path(__file__).parents[2]
PREAMBLE = """\
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
"""


class HostUnderTest:
    """One app directory and the host that serves it. The app is the text after the usual first lines."""

    def __init__(self, directory: Path, environment: Mapping[str, str], app: str) -> None:
        self.directory = directory
        self.log = directory.parent / f"{directory.name}.log"
        self.environment = environment
        self.url = ""
        self._child: processes.Child | None = None
        directory.mkdir()
        self.write_app(PREAMBLE + textwrap.dedent(app))
        self.write_host_json({})

    def write_app(self, text: str) -> None:
        (self.directory / "function_app.py").write_text(text)

    def write_host_json(self, extensions: object) -> None:
        (self.directory / "host.json").write_text(json.dumps({"version": "2.0", "extensions": extensions}))

    def launch(self, *options: str) -> processes.Child:
        """Start without waiting."""
        command = [sys.executable, "-m", "local.host", "--app", str(self.directory), "--port", "0", *options]
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith(("AzureWebJobs", "PYTHON_THREAD"))
        }
        self.log.write_text("")
        self._child = processes.start("host", command, self.log, inherited | dict(self.environment), PROJECT)
        return self._child

    def start(self, *options: str) -> "HostUnderTest":
        """Start and wait until it is ready."""
        child = self.launch("--poll-seconds", "0.1", "--lock-seconds", "2", *options)
        child.wait_ready(lambda: "Ready:" in self.output(), 20)
        found = re.search(r"Ready: .* on (http\S+)", self.output())
        assert found
        self.url = found[1]
        return self

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def count(self, text: str) -> int:
        """How often `text` was printed since the last start."""
        return self.output().count(text)

    def wait_for(self, text: str, times: int = 1, seconds: float = 10.0) -> None:
        eventually(lambda: self.count(text) >= times or self._show(text, times), seconds)

    def _show(self, text: str, times: int) -> bool:
        raise AssertionError(f"{text!r} not printed {times} times in:\n{self.output()[-3000:]}")

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.alive

    def exit_code(self, seconds: float = 15.0) -> int:
        assert self._child is not None
        return self._child.process.wait(seconds)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self._child is not None
        self._child.stop(20)
        return int(self._child.process.returncode)

    def signal(self, number: signal.Signals) -> None:
        assert self._child is not None
        self._child.process.send_signal(number)

    def kill(self) -> None:
        """As a crash would end it."""
        assert self._child is not None
        self._child.process.send_signal(signal.SIGKILL)
        self._child.stop()

    def request(self, method: str, path: str, **more: object) -> httpx.Response:
        return httpx.request(method, self.url + path, timeout=15, **more)  # type: ignore[arg-type]
