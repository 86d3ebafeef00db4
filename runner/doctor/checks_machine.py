"""The machine itself: Python and packages, disk, shell, process control."""

import os
import platform
import re
import shutil
import sys
import uuid
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from runner.config import RunnerConfig
from runner.doctor.check import Check, failed, not_checked, ok
from runner.machine import cgroups
from runner.machine.commands import find_program

_PROJECT = "batchai-serverless"
_LEAST_PYTHON = (3, 11)
_INSTALL = "pip install '.[runner]' -c constraints.txt"
#: "name==version", with no condition or that of the extra `runner`
_PIN = re.compile(r"([\w.-]+)==([\w.]+)(?:\s*;\s*extra == ['\"]runner['\"])?")
_GIB = 1024**3
_LEAST_FREE = 2 * _GIB


def python() -> list[Check]:
    """The interpreter, and the versions of what the runner needs against the pins."""
    version = platform.python_version()
    if sys.version_info < _LEAST_PYTHON:
        return [failed("python", version, "install Python 3.11 or later, and this project into it")]
    found = ok("python", f"{version}, {sys.executable}")
    try:
        pins = pinned(metadata.requires(_PROJECT) or ())
    except metadata.PackageNotFoundError:
        return [found, not_checked("packages", f"{_PROJECT} is not installed, only unpacked", _INSTALL)]
    return [found, packages({name: (pin, _version(name)) for name, pin in pins.items()})]


def pinned(requirements: Iterable[str]) -> dict[str, str]:
    """Name -> version of what the runner needs, read from the project's own metadata."""
    matches = (_PIN.fullmatch(requirement.strip()) for requirement in requirements)
    return {match[1]: match[2] for match in matches if match}


def packages(versions: dict[str, tuple[str, str]]) -> Check:
    """`versions`: name -> (pinned, installed or ""). Another version is no failure, a missing one is."""
    missing = [name for name, (_, here) in versions.items() if not here]
    if missing:
        return failed("packages", f"missing: {', '.join(missing)}", _INSTALL)
    other = [f"{name} {here} (tested: {pin})" for name, (pin, here) in versions.items() if here != pin]
    if other:
        return not_checked("packages", f"untested versions: {', '.join(other)}", _INSTALL)
    return ok("packages", ", ".join(f"{name} {here}" for name, (_, here) in versions.items()))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def disk(config: RunnerConfig) -> list[Check]:
    """The node root: space, and whether it can be written to or made."""
    place = next(path for path in (config.root, *config.root.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if not os.access(place, os.W_OK | os.X_OK):
        mend = f'sudo install -d -o "$USER" {config.root}  # or choose another: --root, BATCHAI_NODE_ROOT'
        return [failed("node root", f"{place} cannot be written to by this user", mend)]
    return [space(config.root, free)]


def space(root: Path, free: int) -> Check:
    """`free`: bytes."""
    words = f"{root}: {free / _GIB:.1f} GiB free"
    if free < _LEAST_FREE:
        mend = f"df -h {root}  # free space, or choose another disk: --root, BATCHAI_NODE_ROOT"
        return failed("node root", words, mend)
    return ok("node root", words)


def programs() -> list[Check]:
    """The shell that runs commands of jobs, and what ends them when the runner dies."""
    bash = Path("/bin/bash")
    return [
        ok("bash", str(bash))
        if os.access(bash, os.X_OK)
        else failed("bash", f"{bash} is missing", "sudo apt-get install bash"),
        ok("setpriv", path)
        if (path := find_program("setpriv"))
        else failed("setpriv", "not installed", "sudo apt-get install util-linux"),
    ]


def cgroup() -> list[Check]:
    """Whether a job can have a cgroup (v2) of its own here, by making one."""
    made = cgroups.make(f"doctor-{uuid.uuid4().hex[:8]}")
    if made is None:
        words = "no cgroup v2 of our own can be made: processes of jobs are followed by other signs"
        return [not_checked("cgroup v2", words, "run the runner as a root service of systemd, Delegate=yes")]
    made.remove()
    return [ok("cgroup v2", "each job gets one of its own")]
