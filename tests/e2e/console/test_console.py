"""The console in a browser, against the running stack: tests/browser holds what is done and seen there."""

import pytest

from tests.e2e.console.conftest import Look


@pytest.mark.parametrize(
    "script",
    [
        "submit.test.mjs",
        "logs.test.mjs",
        "jobs.test.mjs",
        "everyone.test.mjs",
    ],
)
def test_what_a_person_does_and_sees(look: Look, script: str) -> None:
    look(script, "")
