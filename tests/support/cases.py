"""Tables of cases: one test tries them all, and says which fail. A test for each takes milliseconds more."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest

Test = Callable[..., None]


def cases(names: str | tuple[str, ...], table: Iterable[Any]) -> Callable[[Test], Test]:
    """As pytest.mark.parametrize, for plain values, in one test: fixtures are made once for all of them.

    Every case is tried. What fails is raised with a note that names the case; several as an exception group.
    """
    wanted = tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else names
    rows = [dict(zip(wanted, row if len(wanted) > 1 else (row,), strict=True)) for row in table]
    assert rows, "no case"

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def run(**given: Any) -> None:
            failed = [fault for row in rows if (fault := _fault_of(test, row, given))]
            if len(failed) == 1:
                raise failed[0]
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {len(rows)} cases", failed)

        signature = inspect.signature(test)
        left = [each for name, each in signature.parameters.items() if name not in wanted]
        assert len(left) == len(signature.parameters) - len(wanted), f"{test.__name__} has other parameters"
        run.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        del run.__wrapped__  # pytest would read its parameters
        return run

    return decorate


def _fault_of(test: Test, row: dict[str, Any], given: dict[str, Any]) -> BaseException | None:
    try:
        test(**given, **row)
    except (Exception, pytest.fail.Exception) as fault:
        fault.add_note("case: " + ", ".join(f"{name}={value!r}" for name, value in row.items()))
        return fault
    return None
