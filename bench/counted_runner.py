"""A runner whose storage calls others can count: `python -m bench.counted_runner <file> <its arguments>`.

The file holds eight bytes: how many requests it has sent.
"""

import mmap
import runpy
import struct
import sys
import threading
from pathlib import Path

from shared.stores.connection import CallCounter

_FORM = "<q"


def calls_in(file: Path) -> int:
    """What a runner has counted so far."""
    counted: int = struct.unpack(_FORM, file.read_bytes())[0]
    return counted


def fresh(file: Path) -> Path:
    """A file for a runner that has not sent anything."""
    file.write_bytes(struct.pack(_FORM, 0))
    return file


def main() -> None:
    file, lock, add = Path(sys.argv[1]), threading.Lock(), CallCounter.add
    with file.open("r+b") as opened:
        counts = mmap.mmap(opened.fileno(), struct.calcsize(_FORM))

    def counted(counter: CallCounter, method: str, service: str) -> None:
        add(counter, method, service)
        with lock:
            struct.pack_into(_FORM, counts, 0, struct.unpack_from(_FORM, counts)[0] + 1)

    CallCounter.add = counted  # type: ignore[method-assign]
    sys.argv = ["runner", *sys.argv[2:]]
    runpy.run_module("runner", run_name="__main__")


if __name__ == "__main__":
    main()
