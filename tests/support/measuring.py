"""Which tests coverage measures, in their own process and in those that they start.

Unit tests and integration tests are measured, but for the dearest of them that reach nothing that others do
not; of the end-to-end tests only those that a floor needs ([tool.batchai.coverage.lines] in pyproject.toml).
The others run with coverage stopped, which takes a third less of a processor (docs/adr/0410).
"""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import coverage
import pytest

#: Beginning of a test's id -> whether it is measured; the longest beginning counts. A stack, or another
#: process of a session, is measured where the first test is that asks for it: of tests that share one, none
#: is named here whose floor needs what that process does.
MEASURED = {
    "tests/": True,
    "tests/e2e/": False,
    "tests/e2e/test_cli.py": True,  # `cli`, whose processes are its own
    "tests/e2e/test_stack.py": True,  # `local`; it starts a stack for each test
    "tests/integration/contract/": False,
    "tests/integration/host/test_foreign_pages.py": False,
    "tests/integration/mounts/test_kernel_drivers.py": False,
    "tests/integration/protocol/test_deletions.py": False,
    "tests/integration/protocol/test_lost_answers.py": False,
    "tests/integration/protocol/test_releases.py": False,
    "tests/integration/protocol/test_sweeper.py": False,
    "tests/integration/protocol/test_versions.py": False,
    "tests/integration/runner/test_job_runner.py": False,
    "tests/integration/runner/test_limits.py": False,
    "tests/integration/runner/test_settings_kept.py": False,
    "tests/integration/ssh/test_mpi.py": False,
    "tests/integration/test_drop_deliveries.py": False,
    "tests/integration/test_hostile_rows.py": False,
    "tests/integration/test_job_lists.py": False,
    "tests/integration/test_runner_image.py": False,
    "tests/integration/test_secrets_at_rest.py": False,
    "tests/integration/test_workspace_lists.py": False,
}


def is_measured(test: str) -> bool:
    """Whether the test with this node id is measured, while coverage is."""
    return MEASURED[max((beginning for beginning in MEASURED if test.startswith(beginning)), key=len)]


@contextmanager
def unmeasured() -> Iterator[None]:
    """Inside the block neither this thread, nor new ones, nor new processes are measured. Threads that live
    already stop being measured for good."""
    measuring = coverage.Coverage.current()
    names = [name for name in os.environ if name.startswith("COVERAGE_")]
    kept = {name: os.environ.pop(name) for name in names}
    if measuring:
        measuring.stop()
    try:
        yield
    finally:
        os.environ.update(kept)
        if measuring:
            measuring.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """By the test's own id: pytest calls this for every test of a session, whatever folder defines it."""
    if is_measured(item.nodeid):
        return (yield)
    with unmeasured():
        return (yield)
