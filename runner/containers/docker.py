"""The docker command: each call is a child process with a time limit, its answer held apart from its words.

Podman's command takes the same words and may be set instead.
"""

import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from runner.machine.commands import find_program, kill_group
from runner.processes import orphans
from runner.processes.stop_signal import StoppedEarlyError

#: What the command may learn of this process's environment: where its daemon is and how to get there. Not the
#: runner's settings, among which are keys; and nothing that a job may choose.
_PASSED_ON = frozenset(
    (
        *("PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "LANG", "CONTAINER_HOST"),
        *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    )
)
_LOOK_SECONDS = 0.1
_MOST_OUTPUT = 4 * 1024**2  # bytes
_MOST_WORDS = 1000  # characters of a complaint
#: How docker and podman begin to say that nobody answers them.
_NO_DAEMON = (
    "cannot connect to the docker daemon",
    "error during connect",
    "permission denied while trying to connect",
    "unable to connect to podman",
    "is the docker daemon running",
)


@dataclass(frozen=True)
class Answer:
    """How a call ended. `code` is None where it could not be started or did not end in time."""

    code: int | None
    out: str
    err: str
    seconds: float
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def no_daemon(self) -> bool:
        """Whether the fault is that nobody answered the command, at all or in time."""
        return self.code is None or any(sign in self.err.lower() for sign in _NO_DAEMON)

    @property
    def words(self) -> str:
        """What docker says is wrong, in one line."""
        if self.timed_out:
            return f"it gave no answer within {self.seconds:.0f} s"
        lines = (self.err.strip() or self.out.strip()).splitlines()
        seen = [line.strip() for line in lines if line.strip() and not line.startswith(("Run '", "See '"))]
        text = "; ".join(line.removeprefix("docker: ") for line in seen)
        if len(text) > _MOST_WORDS:
            # Between words: half a secret would not be known for one any more.
            text = text[:_MOST_WORDS].rpartition(" ")[0]
        return text or f"exit status {self.code}"


def never() -> bool:
    """The `interrupted` of a call that must come to its end."""
    return False


@dataclass(frozen=True)
class Docker:
    """The command as the operator has set it: "docker", "podman", a path, further words after it."""

    command: str = "docker"
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @property
    def program(self) -> str | None:
        """Absolute path of the program, None where this machine has none."""
        words = shlex.split(self.command)
        return find_program(words[0]) if words else None

    def words(self, *words: str) -> list[str]:
        """The whole command line of a call."""
        first, *more = shlex.split(self.command)
        return [self.program or first, *more, *words]

    def client_environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Of a call. It bears the runner's own mark, so that it is not taken for an orphan of the job."""
        passed = {name: value for name, value in self.environment.items() if name in _PASSED_ON}
        return passed | orphans.own_mark() | dict(more or {})

    def ask(
        self,
        *words: str,
        seconds: float,
        given: str = "",
        more: Mapping[str, str] | None = None,
        interrupted: Callable[[], bool] = never,
        watch: Callable[[str], None] | None = None,
    ) -> Answer:
        """One call, to its end or its limit; then it is killed.

        `given` is its standard input, `more` into its environment; `watch` is shown again and again what
        it has printed so far. Raises StoppedEarlyError once `interrupted` says so.
        """
        begun = time.monotonic()
        # Files and not pipes: whatever the command leaves behind cannot hold up whoever reads.
        with (
            tempfile.TemporaryFile() as given_file,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given_file.write(given.encode())
            given_file.seek(0)
            try:
                child = self._start(words, given_file, out, err, more)
            except OSError as error:
                return Answer(None, "", f"{error.strerror}: {error.filename}", 0.0)
            try:
                while (code := _wait(child)) is None and time.monotonic() - begun < seconds:
                    if interrupted():
                        raise StoppedEarlyError(f"stopped during docker {words[0]}")
                    if watch:
                        watch(_text(out))
            finally:
                if child.poll() is None:
                    kill_group(child)
            spent = time.monotonic() - begun
            return Answer(code, _text(out), _text(err), spent, timed_out=code is None)

    def _start(
        self,
        words: Sequence[str],
        given: IO[bytes],
        out: IO[bytes],
        err: IO[bytes],
        more: Mapping[str, str] | None,
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self.words(*words),
            stdin=given,
            stdout=out,
            stderr=err,
            env=self.client_environment(more),
            cwd="/",
            start_new_session=True,
        )


def _wait(child: "subprocess.Popen[bytes]") -> int | None:
    try:
        return child.wait(_LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _text(file: IO[bytes]) -> str:
    # pread: the child shares our position in the file.
    return os.pread(file.fileno(), _MOST_OUTPUT, 0).decode(errors="replace")
