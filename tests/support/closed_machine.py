"""What tests of isolation need of the machine: root, and a folder that other users can reach."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from runner.machine import tree_removal
from runner.machine.commands import find_program


def need(*programs: str) -> None:
    """Skip where this is not root or a program is missing; fail where CI is set."""
    faults = [f"{name} is missing" for name in programs if find_program(name) is None]
    if os.geteuid() != 0:
        faults.append("this takes root")
    if faults:
        lacking("; ".join(faults))


def lacking(what: str) -> NoReturn:
    """Skip, or fail where CI is set."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user may pass through, and that no private /tmp hides."""
    path = Path(tempfile.mkdtemp(prefix="batchai-test-", dir="/var/lib"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        tree_removal.remove(path)
