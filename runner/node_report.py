"""The thread that tells the cluster how this node stands; each write is its heartbeat."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from shared.errors import LostOwnershipError, NotFoundError, StoreError
from shared.stores.clusters import ClusterTable, NodeRow

log = logging.getLogger(__name__)

#: A change is told after this long, so that a job of a moment costs no write.
_SETTLE_SECONDS = 2.0


class NodeReporter:
    """Keeps one node row up to date from a thread of its own."""

    def __init__(
        self,
        table: ClusterTable,
        row: NodeRow,
        every_seconds: float,
        knocked: Callable[[], None] = lambda: None,
    ) -> None:
        """`knocked` is called when somebody has changed the row: something has happened to the node's job."""
        self._table = table
        self._row = row
        self._told: NodeRow | None = None
        self._every_seconds = every_seconds
        self._knocked = knocked
        self._etag = ""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._report, name="node-report", daemon=True)

    def start(self) -> None:
        """Tell once, now, and then keep telling."""
        self._tell()
        self._thread.start()

    def set(self, state: str, job: str = "", detail: str = "") -> None:
        """The node's state (idle, running, preparing, unusable, leaving) from now on."""
        with self._lock:
            self._row = replace(self._row, state=state, job=job, detail=detail)

    @property
    def state(self) -> str:
        return self._row.state

    def end(self) -> None:
        """Stop telling and remove the row: the node has left."""
        self._ended.set()
        self._thread.join()
        try:
            self._table.forget(self._row)
        except StoreError as error:
            log.warning("node row not removed: %s", error, extra={"action": "node_left"})

    def _report(self) -> None:
        due = time.monotonic() + self._every_seconds
        while not self._ended.wait(max(0.0, min(_SETTLE_SECONDS, due - time.monotonic()))):
            if time.monotonic() >= due or self._row != self._told:
                due = time.monotonic() + self._every_seconds
                self._tell()

    def _tell(self) -> None:
        with self._lock:
            row = self._row
        try:
            self._etag = self._report_over(row)
            self._told = row
        except StoreError as error:
            log.warning("node report failed: %s", error, extra={"action": "node_report"})

    def _report_over(self, row: NodeRow) -> str:
        try:
            return self._table.report(row, self._etag)
        except LostOwnershipError:
            # Somebody knocked, or only the answer to our last report was lost: looking does no harm.
            self._knocked()
        except NotFoundError:
            pass  # somebody has removed the row: we are still there
        return self._table.report(row)
