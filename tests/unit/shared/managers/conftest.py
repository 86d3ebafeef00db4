"""Fixtures for the tests of managers."""

import pytest

from tests.support.events import EventWorld


@pytest.fixture
def made() -> EventWorld:
    """A world whose events are sent to a receiver in memory."""
    return EventWorld()
