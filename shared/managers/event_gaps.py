"""Events that a runner of an earlier version left out: it carries the mark of what was announced along and
changes the job beside it. Runs whose latest event was sent and shows them live are compared with the rows of
live jobs; where they differ the row says what is missing."""

from collections.abc import Mapping

from shared.errors import LostOwnershipError
from shared.jobs import changes
from shared.jobs.model import State
from shared.stores.job_table import JobTable
from shared.stores.live_rows import LiveEntry
from shared.stores.outbox_rows import Sent
from shared.stores.outbox_table import Outbox

#: A change is announced with the row; before that the comparison would only read what is right.
_LEAST_AGE_SECONDS = 30.0
#: Rows that are read in one look.
_MOST_READ = 100


class EventGaps:
    """Keeps nothing between calls."""

    def __init__(self, jobs: JobTable, outbox: Outbox) -> None:
        self._jobs = jobs
        self._outbox = outbox

    def mend(self, workspace: str) -> int:
        """Put the missing events of a workspace into the outbox; of how many runs. Costs two calls, and two
        for each run that differs. Raises StoreError."""
        old = [sent for sent in self._outbox.sent(workspace) if sent.age_seconds > _LEAST_AGE_SECONDS]
        if not old:
            return 0
        live = {entry.uuid: entry for entry in self._jobs.list_live_of_workspace(workspace)}
        differing = [sent for sent in old if not _is_right(sent, live)]
        return sum(self._mend_one(sent) for sent in differing[:_MOST_READ])

    def _mend_one(self, sent: Sent) -> bool:
        job = self._jobs.get(sent.job)
        # A row that was removed or made way for another run took the events that were missing along.
        is_here = job is not None and job.uuid == sent.uuid
        if job is not None and is_here and changes.unannounced(job):
            try:
                self._jobs.announce(job)
            except LostOwnershipError:
                return False  # whoever was faster has announced them
            return True
        ended = job is None or not is_here or not job.state.live
        if ended and not self._outbox.waiting(sent.job.workspace, 1, sent.run):
            self._outbox.forget(sent)  # a sender that came late has noted it after the end
        return False


def _is_right(sent: Sent, live: Mapping[str, LiveEntry]) -> bool:
    entry = live.get(sent.uuid)
    if entry is None or entry.state != sent.state:
        return False
    return entry.state is not State.RUNNING or entry.attempt == sent.attempt
