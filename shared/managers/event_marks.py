"""Which new jobs have events: those of workspaces that BATCHAI_EVENTS_WORKSPACES names, while there is a
receiver. A job keeps to what was decided at its acceptance, whoever changes it."""

import threading

from shared.jobs.model import Noted
from shared.settings import EventSettings
from shared.stores.outbox_table import Outbox


class EventMarks:
    """Thread-safe."""

    def __init__(self, settings: EventSettings, outbox: Outbox) -> None:
        self._settings = settings
        self._outbox = outbox
        self._lock = threading.Lock()
        self._registered: set[str] = set()

    def of_new_job(self, workspace: str) -> Noted | None:
        """The mark of a job that is about to be stored; None where nobody wants events of it. Costs a call
        for each workspace and process. Raises StoreError."""
        if not self._settings.wants(workspace):
            return None
        key = workspace.lower()
        with self._lock:
            known = key in self._registered
        if not known:
            # Before the job: whoever sends events finds them by this.
            self._outbox.register(workspace)
            with self._lock:
                self._registered.add(key)
        return Noted()
