"""What a test needs of the machine."""

import os

import pytest


def need(fault: str | None) -> None:
    """Skip on a laptop, fail where CI is set: there, a missing tool is a broken installation."""
    if fault and os.environ.get("CI"):
        pytest.fail(f"CI must have this: {fault}")
    if fault:
        pytest.skip(fault)
