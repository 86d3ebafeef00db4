"""Sets of run numbers as whole numbers, one bit a run: 10,000 runs take 2,500 letters of a row. PURE."""

from collections.abc import Iterable, Iterator


def all_of(count: int) -> int:
    """The numbers from 0 to before `count`."""
    return (1 << count) - 1


def of(numbers: Iterable[int]) -> int:
    """A set of numbers."""
    found = 0
    for number in numbers:
        found |= 1 << number
    return found


def numbers(bits: int) -> Iterator[int]:
    """The numbers of a set, in order."""
    for number, digit in enumerate(reversed(f"{bits:b}")):
        if digit == "1":
            yield number


def to_text(bits: int) -> str:
    """As a column holds it."""
    return f"{bits:x}"


def from_text(text: str) -> int:
    """The inverse of `to_text`. Raises ValueError."""
    return int(text or "0", 16)
