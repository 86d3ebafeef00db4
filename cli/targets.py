"""A command for several things at once: each by its id, in turn."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from cli.faults import Fault
from cli.messages import say
from cli.session import Session

#: Names of Session's options that an id says -> the option that is then left aside.
_SAID = {
    "subscription_id": "--subscription",
    "resource_group": "--resource-group",
    "workspace": "--workspace",
    "experiment": "--experiment",
}


def for_each(ids: Sequence[dict[str, str]], session: Session, call: Callable[[Session, str], Any]) -> None:
    """Call it with a session and the name that each id names, and print what all of them show as one list.

    One that fails does not keep the others from their turn; the exit code is that of the first that failed.
    With one id it is as if its parts had been given by name.
    """
    for name in sorted({name for one in ids for name in one if session.options.get(name)}):
        say(f"{_SAID[name]} is left aside: --ids names it")
    if len(ids) == 1:
        _at(ids[0], session, call)
        return
    with session.together():
        codes = [_exit_code(one, session, call) for one in ids]
    sys.exit(next((code for code in codes if code), 0))


def _at(one: dict[str, str], session: Session, call: Callable[[Session, str], Any]) -> None:
    where = dict(one)
    name = where.pop("name")
    call(session.at(where), name)


def _exit_code(one: dict[str, str], session: Session, call: Callable[[Session, str], Any]) -> int:
    try:
        _at(one, session, call)
    except Fault as fault:
        fault.show()
        return fault.exit_code
    except SystemExit as end:  # job wait ends as the job did
        return int(end.code or 0)
    return 0
