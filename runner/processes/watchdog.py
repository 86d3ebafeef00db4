"""The watchdog of a job: a small process that kills the job when its runner no longer can.

A runner that is killed cannot stop its job, nor can one that is stopped (SIGSTOP, a debugger, a machine that
swaps itself to death). The next runner takes the job over once the lease has run out, so the first one's
processes must be gone by then, whatever became of their runner.

The switch reads lines from its standard input: a number re-arms it for so many seconds, `end` releases it.
When the input ends (the runner died) or no line comes in time (it is stalled), it kills.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from runner.secrets.settings import for_others

# bash, not Python: 2 MB and 2 ms instead of 10 MB and 30 ms for every job. $1 seconds, $2 mark, $3 cgroup,
# $4 shell text that kills the rest, then folders that are empty once everything is dead.
_SCRIPT = r"""
trap '' TERM INT HUP QUIT
limit=$1
while IFS= read -r -t "$limit" limit; do [ "$limit" = end ] && exit 0; done
for round in 1 2 3 4 5 6 7 8 9 10; do
  [ -z "$3" ] || echo 1 > "$3/cgroup.kill"
  eval "$4" < /dev/null
  found=
  for folder in /proc/[0-9]*; do
    if grep -qsz "^$2$" "$folder/environ"; then kill -KILL "${folder#/proc/}"; found=1; fi
  done
  [ -n "$found" ] || break
  sleep 0.1
done 2>/dev/null
group=$3
shift 4
for folder in "$group" "$@"; do
  for round in 1 2 3 4 5 6 7 8 9 10; do
    [ -d "$folder" ] && ! rmdir "$folder" 2>/dev/null || break
    sleep 0.1
  done
done
exit 1
"""


class Watchdog:
    """The switch of one attempt. Not thread-safe by itself: its owner holds a lock."""

    def __init__(
        self, mark: str, cgroup: str, seconds: float, folders: Sequence[Path] = (), end_all: str = ""
    ) -> None:
        """Start it, armed for `seconds`. `mark`: "NAME=value" in the environment of whatever is to be
        killed; `cgroup`: folder of the job's cgroup, or ""; `folders`: of further groups, which go with it;
        `end_all`: shell text that kills every process of the job's own user."""
        command = ["/bin/bash", "-c", _SCRIPT, "batchai-switch", f"{seconds:.3f}", mark, cgroup]
        command += [end_all, *map(str, folders)]
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=for_others(),
            cwd="/",
            start_new_session=True,
        )

    @property
    def fired(self) -> bool:
        """Whether it has killed the job: then the attempt is lost, however its processes ended."""
        return self._popen.poll() not in (None, 0)

    def arm(self, seconds: float) -> None:
        """Kill in `seconds` unless armed again before."""
        self._write(f"{seconds:.3f}\n")

    def release(self) -> None:
        """The job is over: nothing will be killed. Returns when the switch is gone."""
        self._write("end\n")
        try:
            self._popen.wait(5)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        if self._popen.stdin:
            try:
                self._popen.stdin.close()
            except OSError:
                pass  # it had fired: nobody reads any more

    @property
    def pid(self) -> int:
        return self._popen.pid

    def _write(self, line: str) -> None:
        try:
            if self._popen.stdin:
                self._popen.stdin.write(line.encode())
                self._popen.stdin.flush()
        except OSError:
            pass  # it has fired and is gone
