"""The watchdog of a runner's jobs: a small process that kills the job when its runner no longer can.

A runner that is killed cannot stop its job, nor can one that is stopped (SIGSTOP, a debugger, a machine that
swaps itself to death). The next runner takes the job over once the lease has run out, so the first one's
processes must be gone by then, whatever became of their runner.

One process serves attempt after attempt, until it fires. It reads lines from its standard input: six that
begin an attempt, answered by `ready`; then a number re-arms it for so many seconds, and `end` releases it.
When the input ends (the runner died) or no line comes in time (it is stalled), it kills and is gone.
"""

import os
import select
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from runner.secrets.settings import for_others

# bash, not Python: 2 MB instead of 10. The lines that begin an attempt: mark, cgroup, shell text that kills
# the rest, how many folders follow (they are empty once everything is dead), seconds, and the folders.
_SCRIPT = r"""
trap '' TERM INT HUP QUIT
while IFS= read -r mark && IFS= read -r group && IFS= read -r rest && IFS= read -r count &&
  IFS= read -r limit; do
  folders=()
  while [ "${#folders[@]}" -lt "$count" ] && IFS= read -r folder; do folders+=("$folder"); done
  echo ready
  while IFS= read -r -t "$limit" limit; do [ "$limit" != end ] || continue 2; done
  for round in 1 2 3 4 5 6 7 8 9 10; do
    [ -z "$group" ] || echo 1 > "$group/cgroup.kill"
    eval "$rest" < /dev/null
    found=
    for folder in /proc/[0-9]*; do
      if grep -qsz "^$mark$" "$folder/environ"; then kill -KILL "${folder#/proc/}"; found=1; fi
    done
    [ -n "$found" ] || break
    sleep 0.1
  done 2>/dev/null
  for folder in "$group" "${folders[@]}"; do
    for round in 1 2 3 4 5 6 7 8 9 10; do
      [ -d "$folder" ] && ! rmdir "$folder" 2>/dev/null || break
      sleep 0.1
    done
  done
  exit 1
done
"""
#: One that does not answer in this time is killed, and another takes its place.
_ANSWER_SECONDS = 5.0


class Switch:
    """The watchdog's promise for one attempt."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        self._popen = popen

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def fired(self) -> bool:
        """Whether it has killed the job: then the attempt is lost, however its processes ended."""
        return self._popen.poll() not in (None, 0)

    def arm(self, seconds: float) -> None:
        """Kill in `seconds` unless armed again before."""
        _write(self._popen, f"{seconds:.3f}\n".encode())

    def release(self) -> None:
        """The job is over: nothing more will be killed. One that was about to fire is gone before the next
        attempt begins."""
        _write(self._popen, b"end\n")


class Watchdog:
    """The process behind the switches of one runner, which works on one job at a time. Thread-safe."""

    def __init__(self) -> None:
        self._popen: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def guard(
        self, mark: str, cgroup: str, seconds: float, *, folders: Sequence[Path] = (), end_all: str = ""
    ) -> Switch:
        """The switch of an attempt, armed for `seconds`. It kills what has `mark` ("NAME=value") in its
        environment or is in `cgroup` (a folder, or ""), and what the shell text `end_all` kills; it removes
        `folders`, those of further groups, afterwards.

        Raises OSError where there can be none, ValueError for a name that holds a line break.
        """
        lines = _beginning(mark, cgroup, seconds, folders, end_all)
        with self._lock:
            if self._popen is None or not _begun(self._popen, lines):
                self._end()
                self._popen = _started()
                if not _begun(self._popen, lines):
                    self._end()
                    raise OSError("the watchdog does not answer")
            return Switch(self._popen)

    @property
    def pids(self) -> set[int]:
        """Of the process, if there is one."""
        popen = self._popen
        return {popen.pid} if popen else set()

    def close(self) -> None:
        """End the process. For when no attempt is under way."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._popen is None:
            return
        # It may be about to fire at an attempt that is over, and the job's user may be the next one's too.
        self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            try:
                if pipe:
                    pipe.close()
            except OSError:
                pass  # it had fired: nobody reads any more
        self._popen = None


def _started() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        ["/bin/bash", "-c", _SCRIPT, "batchai-switch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=for_others(),
        cwd="/",
        start_new_session=True,
    )


def _beginning(mark: str, cgroup: str, seconds: float, folders: Sequence[Path], end_all: str) -> bytes:
    """The lines that begin an attempt."""
    words = [mark, cgroup, end_all, str(len(folders)), f"{seconds:.3f}", *map(str, folders)]
    if any("\n" in word for word in words):
        raise ValueError(f"a line break in the name of a folder: {words}")
    return "".join(f"{word}\n" for word in words).encode()


def _begun(popen: "subprocess.Popen[bytes]", lines: bytes) -> bool:
    """Whether it takes a further attempt: not so when it has fired, or is firing."""
    _write(popen, lines)
    deadline, answer = time.monotonic() + _ANSWER_SECONDS, b""
    while popen.stdout and not answer.endswith(b"\n"):
        left = max(0.0, deadline - time.monotonic())
        readable, _, _ = select.select([popen.stdout], [], [], left)
        piece = os.read(popen.stdout.fileno(), 64) if readable else b""
        if not piece:
            return False
        answer += piece
    return answer == b"ready\n"


def _write(popen: "subprocess.Popen[bytes]", lines: bytes) -> None:
    try:
        if popen.stdin:
            popen.stdin.write(lines)
            popen.stdin.flush()
    except (OSError, ValueError):
        pass  # it has fired and is gone
