"""Users that jobs run as: what is said where one cannot be made, or is not one to run jobs as."""

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from runner.isolation import slots, unix_accounts
from runner.isolation.job_user import JobUser
from runner.isolation.unix_accounts import AccountError, of_name, of_slot
from runner.machine.commands import Finished

ROOT = JobUser("batchai-job0", 0, 0, "/root")


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One on which no user is known and useradd does nothing."""
    monkeypatch.setattr(slots, "alone", nullcontext)
    monkeypatch.setattr(unix_accounts, "named", lambda name, exclusive=False: None)
    monkeypatch.setattr(unix_accounts, "find_program", lambda name: f"/usr/sbin/{name}")
    monkeypatch.setattr(unix_accounts, "run", lambda words, **_: Finished("useradd", 1, "no space"))


def test_without_useradd_another_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_accounts, "find_program", lambda name: None)
    with pytest.raises(AccountError, match=r"no useradd .* BATCHAI_JOB_USER"):
        of_slot(0)


def test_what_useradd_says_is_passed_on() -> None:
    with pytest.raises(AccountError, match=r"cannot be made: .*no space"):
        of_slot(0)


def test_a_user_with_roots_ids_runs_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_accounts, "named", lambda name, exclusive=False: ROOT)
    with pytest.raises(AccountError, match="root's ids; remove it"):
        of_slot(0)


def test_a_new_user_has_a_home_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = iter([None, JobUser("batchai-job0", 7, 7, str(tmp_path / "home"))])
    owners: list[tuple[Path, int, int]] = []
    monkeypatch.setattr(unix_accounts, "named", lambda name, exclusive=False: next(found))
    chown = lambda path, uid, gid, **_: owners.append((path, uid, gid))  # noqa: E731
    monkeypatch.setattr(os, "chown", chown)
    user = of_slot(0)
    assert owners == [(Path(user.home), 7, 7)] and Path(user.home).stat().st_mode & 0o777 == 0o700


def test_a_user_that_is_not_there_is_named() -> None:
    with pytest.raises(AccountError, match="BATCHAI_JOB_USER is 'nobody-here'"):
        of_name("nobody-here")
