"""Route constraints as ASP.NET has them: `{id:guid}`, `{n:int:min(1)}`, `{name:length(3,8)}`."""

import re
from collections.abc import Callable

Check = Callable[[str], bool]

_GUID = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|\([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\)",
    re.IGNORECASE,
)


def _whole(bits: int) -> Check:
    limit = 1 << (bits - 1)

    def check(value: str) -> bool:
        return bool(re.fullmatch(r"[+-]?\d{1,19}", value)) and -limit <= int(value) < limit

    return check


def _matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: bool(pattern.fullmatch(value))


_PLAIN: dict[str, Check] = {
    "int": _whole(32),
    "long": _whole(64),
    "guid": _matches(_GUID),
    "bool": _matches(re.compile("true|false", re.IGNORECASE)),
    "alpha": _matches(re.compile("[a-z]*", re.IGNORECASE)),
    "decimal": _matches(re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")),
    "double": _matches(re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)),
    "float": _matches(re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)),
    "required": bool,
}


def _in_range(low: int | None, high: int | None) -> Check:
    whole = _whole(64)

    def check(value: str) -> bool:
        return whole(value) and (low is None or int(value) >= low) and (high is None or int(value) <= high)

    return check


def _of_length(low: int, high: int | None) -> Check:
    return lambda value: len(value) >= low and (high is None or len(value) <= high)


_WITH_NUMBERS: dict[tuple[str, int], Callable[..., Check]] = {
    ("min", 1): lambda low: _in_range(low, None),
    ("max", 1): lambda high: _in_range(None, high),
    ("range", 2): _in_range,
    ("length", 1): lambda length: _of_length(length, length),
    ("length", 2): _of_length,
    ("minlength", 1): lambda low: _of_length(low, None),
    ("maxlength", 1): lambda high: _of_length(0, high),
}
KNOWN = sorted({*_PLAIN, *(name for name, _ in _WITH_NUMBERS), "regex"})


def parse_constraint(text: str) -> Check:
    """Read one constraint, without its colon. Raises ValueError with a message for people."""
    found = re.fullmatch(r"(\w+)(?:\((.*)\))?", text, re.DOTALL)
    name = found[1].lower() if found else ""
    arguments = found[2] if found else None
    if arguments is None:
        if name in _PLAIN:
            return _PLAIN[name]
    elif name == "regex":
        pattern = re.compile(arguments, re.IGNORECASE)
        return lambda value: bool(pattern.search(value))
    else:
        numbers = [part.strip() for part in arguments.split(",")]
        build = _WITH_NUMBERS.get((name, len(numbers)))
        if build and all(re.fullmatch(r"-?\d+", number) for number in numbers):
            return build(*map(int, numbers))
    raise ValueError(f"the constraint '{text}' is not known here; known are {', '.join(KNOWN)}")
