import pytest

from shared.environment.layout import attempt_name


@pytest.mark.parametrize(
    ("name", "attempt", "kept"),
    [
        ("stdout.txt", 0, ""),
        ("stdout.txt", 1, "stdout.attempt-1.txt"),
        ("stdout-wk-0.txt", 2, "stdout-wk-0.attempt-2.txt"),
        ("execution.log", 1, "execution.attempt-1.log"),
    ],
)
def test_names_of_earlier_attempts(name: str, attempt: int, kept: str) -> None:
    assert attempt_name(name, attempt) == kept
