"""What one runner keeps for the processes of all its jobs: the watchdog, the thread that starts them, and who
is known to be nobody's.
"""

from runner.isolation.isolation import Isolation
from runner.processes.launcher import Launcher
from runner.processes.process_table import Identity, everybody, seconds_since_start, user_of
from runner.processes.watchdog import Watchdog

#: A daemon's child may be about to become a job's user (cron); none takes this long.
_SETTLED_SECONDS = 60.0


class Bystanders:
    """Processes that were there before a job and can be none of its own."""

    def __init__(self, uid: int | None = None) -> None:
        """`uid`: a user whose processes are the job's, however and whenever they began; None: there is no
        such user."""
        self._uid = uid
        self._settled: frozenset[Identity] = frozenset()

    def now(self) -> frozenset[Identity]:
        """Those of this moment: one reading of /proc, and a look at each that is new."""
        here = everybody()
        if self._uid is None:
            return here
        news = {who for who in here - self._settled if self._is_settled(who[0])}
        self._settled = (self._settled & here) | news
        return self._settled

    def _is_settled(self, pid: int) -> bool:
        age = seconds_since_start(pid)
        return age is not None and age > _SETTLED_SECONDS and user_of(pid) not in (self._uid, None)


class ProcessGuard:
    """Made once per runner; each attempt's process tracker is given it."""

    def __init__(self, isolation: Isolation) -> None:
        user = isolation.user
        self.watchdog = Watchdog()
        self.launcher = Launcher()
        self.bystanders = Bystanders(user.uid if user.exclusive else None)

    def close(self) -> None:
        """The runner leaves."""
        self.watchdog.close()
        self.launcher.close()
