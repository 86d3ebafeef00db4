"""Problems as people and programs read them."""

from shared.errors import Problem, Severity


def test_a_problem_with_a_place_and_a_hint() -> None:
    problem = Problem(3, 7, "$.a", "It is wrong.", "Mend it.", Severity.WARNING)
    assert str(problem) == "line 3, column 7: $.a: It is wrong. Mend it."
    assert problem.as_json() == {
        "severity": "warning",
        "path": "$.a",
        "line": 3,
        "column": 7,
        "message": "It is wrong.",
        "hint": "Mend it.",
    }


def test_a_problem_of_no_line() -> None:
    problem = Problem(0, 0, "$", "It is wrong.")
    assert str(problem) == "$: It is wrong."
    assert problem.as_json() == {"severity": "error", "path": "$", "message": "It is wrong."}
