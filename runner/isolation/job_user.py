"""Whose processes a job's are on this machine."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class JobUser:
    """A user of this machine. Jobs run as one; what they make belongs to it."""

    name: str
    uid: int
    gid: int
    home: str
    exclusive: bool = False  #: a slot's: every process of this user, and its home, is of the job under way

    @property
    def is_own(self) -> bool:
        """Whether it is the one this process runs as: then nothing has to be switched."""
        return self.uid == os.geteuid()

    @property
    def environment(self) -> Mapping[str, str]:
        """What login(1) would set."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name, "SHELL": "/bin/bash"}

    @property
    def switching(self) -> list[str]:
        """Options of setpriv(1) that make a process this user's, with no way back; none where it is
        already."""
        if self.is_own:
            return []
        return [
            "--reuid", str(self.uid), "--regid", str(self.gid), "--init-groups", "--no-new-privs",
            "--inh-caps", "-all", "--ambient-caps", "-all", "--bounding-set", "-all",
        ]  # fmt: skip

    @property
    def end_all(self) -> list[str]:
        """A command that kills every process of a slot's user, forks under way included; else none."""
        if not self.exclusive or self.is_own:
            return []
        words = ["--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups", "--"]
        return ["setpriv", *words, "/bin/sh", "-c", "kill -KILL -1"]

    @property
    def to_act_as(self) -> tuple[int, int] | None:
        """(uid, gid) where this process is another user; for runner/isolation/path_writer.py."""
        return None if self.is_own else (self.uid, self.gid)

    def give(self, file: int | Path) -> None:
        """Make it the owner of an open file, or of what lies at a path (links are not followed)."""
        if self.is_own:
            return
        if isinstance(file, int):
            os.fchown(file, self.uid, self.gid)
        else:
            os.chown(file, self.uid, self.gid, follow_symlinks=False)


def own() -> JobUser:
    """The user this process runs as."""
    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:  # containers often have ids without an entry
        return JobUser(str(uid), uid, os.getegid(), os.environ.get("HOME", "/"))
    return JobUser(entry.pw_name, uid, entry.pw_gid, entry.pw_dir)


def named(name: str, *, exclusive: bool = False) -> JobUser | None:
    """A user by name; None where there is none."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return JobUser(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, exclusive)
