"""`make test` installs the environments of clients and engines while other tests run (scripts/test-all)."""

import os
import time
from pathlib import Path

import pytest

from tests.support.sources import PROJECT

_ENVIRONMENTS = PROJECT / ".venvs"

#: Within pytest's limit for a test: by then the parts before these have run for minutes.
_MOST_SECONDS = 150.0


def is_installed(environment: Path, target: str) -> bool:
    """Whether .venvs/<environment> is complete; waits while make's `target`, which makes it, still runs."""
    folder, begun = os.environ.get("BATCHAI_TEST_INSTALLING", ""), time.monotonic()
    while not (environment / ".installed").exists():
        if not folder or not Path(folder, target).exists() or time.monotonic() - begun > _MOST_SECONDS:
            return (environment / ".installed").exists()
        time.sleep(0.2)
    return True


def python_of(name: str, options: str = "") -> Path:
    """The interpreter of a client's environment; without it a test skips, or fails where CI is set."""
    python = _ENVIRONMENTS / name / "bin" / "python"
    if not is_installed(_ENVIRONMENTS / name, "clients"):
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing(f"no {python}: run scripts/client-envs {options}".rstrip())
    return python
