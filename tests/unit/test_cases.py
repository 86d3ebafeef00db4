"""tests/support/cases.py tries every case and says which fail."""

import pytest

from tests.support.cases import cases


def test_every_case_is_tried_and_those_that_fail_are_named() -> None:
    tried = []

    @cases("text, length", [("a", 1), ("b", 2), ("c", 1), ("d", 4)])
    def check(text: str, length: int) -> None:
        tried.append(text)
        assert len(text) == length

    with pytest.raises(BaseExceptionGroup, match="2 of 4 cases") as caught:
        check()
    assert tried == ["a", "b", "c", "d"]
    notes = [fault.__notes__ for fault in caught.value.exceptions]
    assert notes == [["case: text='b', length=2"], ["case: text='d', length=4"]]


def test_a_fault_alone_is_raised_as_it_is() -> None:
    @cases("number", range(3))
    def check(number: int) -> None:
        with pytest.raises(ZeroDivisionError):
            _ = 1 // (number - (number == 2))
            _ = 1 // (number % 2)

    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE") as caught:
        check()
    assert caught.value.__notes__ == ["case: number=1"]


def test_tables_above_each_other_give_every_pair() -> None:
    tried = []

    @cases("first", "ab")
    @cases("second", "cd")
    def check(first: str, second: str) -> None:
        tried.append(first + second)

    check()
    assert tried == ["ac", "ad", "bc", "bd"]


@cases("given", [1, 2])
def test_fixtures_are_given_as_well(given: int, request: pytest.FixtureRequest) -> None:
    assert request.node.name == "test_fixtures_are_given_as_well" and given


def test_a_table_that_is_empty_or_names_what_is_no_parameter_is_refused() -> None:
    with pytest.raises(AssertionError, match="no case"):
        cases("x", [])
    with pytest.raises(AssertionError, match="has other parameters"):
        cases("other", [1])(lambda number: None)
