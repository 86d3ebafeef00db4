"""Words of a newer version are carried through and meant by nobody."""

import pytest

from shared.jobs.model import State


def test_a_word_of_a_newer_version_is_a_value_that_equals_no_member() -> None:
    paused = State("paused")
    assert (str(paused), paused.known, paused in list(State)) == ("paused", False, False)
    assert State("paused") is paused


def test_a_word_of_ours_is_known() -> None:
    assert State("queued") is State.QUEUED and State.QUEUED.known


def test_what_is_no_word_is_no_value() -> None:
    with pytest.raises(ValueError, match="5"):
        State(5)  # type: ignore[arg-type]
