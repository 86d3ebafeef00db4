"""Whose processes a job's are on this machine."""

import os
import pwd
from dataclasses import dataclass


@dataclass(frozen=True)
class JobUser:
    """A user of this machine. Jobs run as one; what they make belongs to it."""

    name: str
    uid: int
    gid: int
    home: str

    @property
    def is_own(self) -> bool:
        """Whether it is the one this process runs as: then nothing has to be switched."""
        return self.uid == os.geteuid()


def own() -> JobUser:
    """The user this process runs as."""
    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:  # containers often have ids without an entry
        return JobUser(str(uid), uid, os.getegid(), os.environ.get("HOME", "/"))
    return JobUser(entry.pw_name, uid, entry.pw_gid, entry.pw_dir)
