"""Runs a command, and is the parent of whatever it leaves behind, so that its processor time is not lost:
`python -m bench.reaping <command ...>`. Ends with the command."""

import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType

_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    command = subprocess.Popen(sys.argv[1:])

    def end(number: int, _: FrameType | None) -> None:
        os.kill(command.pid, number)

    signal.signal(signal.SIGTERM, end)
    while os.wait()[0] != command.pid:
        pass


if __name__ == "__main__":
    main()
