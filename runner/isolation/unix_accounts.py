"""The users that jobs run as: found, or made."""

import os
from pathlib import Path

from runner.isolation import slots
from runner.isolation.job_user import JobUser, named
from runner.machine.commands import find_program, run
from runner.secrets.settings import for_others

_PREFIX = "batchai-job-"
_STATE_DIRS = Path("/var/lib/batchai")
_SECONDS = 30.0
#: For every folder on the way: can the user pass it? Prints the first that it cannot.
_REACH = r"""
for place in "$@"; do [ -x "$place" ] || { printf %s "$place"; exit 1; }; done
"""


class AccountError(Exception):
    """There is no user to run jobs as; the text says what to do."""


def of_slot(number: int) -> JobUser:
    """The user of a slot, made where it is missing: no password, a group and a home of its own, bash (sshd
    lets nobody in whose shell is nologin). Raises AccountError."""
    name = f"{_PREFIX}{number}"
    with slots.alone():
        user = named(name, exclusive=True) or _made(name)
    if user.uid == 0 or user.gid == 0:
        raise AccountError(f"the user {name} has root's ids; remove it, and the runner makes another")
    _make_state_dir(user)
    return user


def _made(name: str) -> JobUser:
    useradd = find_program("useradd")
    if useradd is None:
        raise AccountError(
            f"the user {name} cannot be made: there is no useradd (apt-get install passwd); or name a user "
            "that is there in BATCHAI_JOB_USER"
        )
    words = ("--system", "--user-group", "--no-create-home", "--shell", "/bin/bash", "--password", "*")
    made = run([useradd, *words, "--home-dir", str(_STATE_DIRS / name), name], timeout_seconds=_SECONDS)
    user = named(name, exclusive=True)
    if user is None:
        raise AccountError(f"the user {name} cannot be made: {made}; or name another in BATCHAI_JOB_USER")
    return user


def _make_state_dir(user: JobUser) -> None:
    home = Path(user.home)
    home.mkdir(parents=True, exist_ok=True)
    os.chown(home, user.uid, user.gid, follow_symlinks=False)
    home.chmod(0o700)


def of_name(name: str) -> JobUser:
    """A user that is there. Raises AccountError."""
    user = named(name)
    if user is None:
        raise AccountError(f"BATCHAI_JOB_USER is '{name}', but this machine has no such user")
    if not user.is_own and os.geteuid() != 0:
        words = "only root can start processes of another user: run the runner as root"
        raise AccountError(f"BATCHAI_JOB_USER is '{name}', but {words}")
    return user


def closed_to(user: JobUser, path: Path) -> str:
    """The folder (or `path` itself) that keeps `user` from passing through to `path`, or "". Raises
    AccountError where this machine cannot start a process of another user."""
    if user.is_own:
        return ""
    setpriv = find_program("setpriv")
    if setpriv is None:
        raise AccountError("setpriv is missing (apt-get install util-linux)")
    there = [str(place) for place in [*reversed(path.parents), path] if place.exists()]
    command = [setpriv, *user.switching, "--", "/bin/sh", "-c", _REACH, "sh", *there]
    asked = run(command, timeout_seconds=_SECONDS, environment=for_others())
    return "" if asked.ok else asked.output or str(path)
