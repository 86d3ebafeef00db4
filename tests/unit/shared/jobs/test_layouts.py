"""What a row says of layouts, and what is believed of it."""

import pytest

from shared.jobs import layouts
from tests.support.cases import cases


@pytest.mark.parametrize("layout", [layouts.FIRST, layouts.LATEST, 17])
def test_a_mark_is_read_as_it_was_written(layout: int) -> None:
    assert layouts.read(layouts.marked(layout, "1|queued"), "1|queued") == layout


@cases("mark", [None, "", "2", "2|", "2|2|running", "x|1|queued", "|1|queued", 2, "-2|1|queued"])
def test_a_mark_of_other_values_and_none_at_all_are_the_first_layout(mark: object) -> None:
    assert layouts.read(mark, "1|queued") == layouts.FIRST
