"""The words of the doctor: a check and what it may say."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What is known after a check. Only FAILED makes the doctor's exit code 1."""

    OK = "ok"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Check:
    """One line of the report. `remedy`: the command or setting that mends it; "" where nothing is to do."""

    name: str
    state: State
    detail: str
    remedy: str = ""


def ok(name: str, detail: str) -> Check:
    """A check that found everything right."""
    return Check(name, State.OK, detail)


def failed(name: str, detail: str, remedy: str) -> Check:
    """A check that found something that jobs will trip over."""
    return Check(name, State.FAILED, detail, remedy)


def not_checked(name: str, detail: str, remedy: str = "") -> Check:
    """A check that does not apply here, or concerns something that this machine can do without."""
    return Check(name, State.NOT_CHECKED, detail, remedy)
