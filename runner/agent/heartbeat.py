"""The thread that reports to the cluster how this node stands; each write is its heartbeat."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from runner.isolation.node_config import NodeConfig
from shared.errors import LostOwnershipError, NotFoundError, StoreError
from shared.managers.node_reports import NodeReports
from shared.package import package_version
from shared.stores.node_table import NodeRow

log = logging.getLogger(__name__)

#: A change is reported after this long, so that a job of a moment costs no write.
_SETTLE_SECONDS = 2.0
#: Tries to report over what others have written to the row at the same time.
_TRIES = 5


def first_row(config: NodeConfig, gpus: int) -> NodeRow:
    """What a runner that begins says of itself."""
    version = package_version()
    return NodeRow(config.cluster, config.node_id, "preparing", gpus, config.address, version=version)


class NodeReporter:
    """Keeps one node row up to date from a thread of its own."""

    def __init__(
        self,
        nodes: NodeReports,
        row: NodeRow,
        every_seconds: float,
        woken: Callable[[], None] = lambda: None,
        stands_by: Callable[[str], None] = lambda standby: None,
        drains: Callable[[bool], None] = lambda drain: None,
        gpu_readings: Callable[[], str] = lambda: "",
    ) -> None:
        """`woken` is called when somebody has changed the row: something has happened to the node's job.
        `stands_by` is called when the node is asked to serve or not (`NodeRow.standby`), `drains` when it is
        asked to finish and leave or to stay (`NodeRow.drain`), `gpu_readings` for each report."""
        self._nodes = nodes
        self._row = row
        self._reported: NodeRow | None = None
        self._every_seconds = every_seconds
        self._woken = woken
        self._stands_by = stands_by
        self._drains = drains
        self._gpu_readings = gpu_readings
        self._leaves = self._seen = False
        self._since = time.monotonic()  #: when the state last changed
        self._etag = ""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_reporting, name="node-report", daemon=True)

    def start(self) -> None:
        """Look whether the node was marked before, report once, now, and then keep reporting."""
        self._publish()
        self._thread.start()

    def set(self, state: str, job: str = "", detail: str = "") -> None:
        """The node's state (idle, running, preparing, unusable, leaving) from now on."""
        with self._lock:
            if (state, job) != (self._row.state, self._row.job):
                self._since = time.monotonic()
            self._row = replace(self._row, state=state, job=job, detail=detail)

    def stand_by(self, standby: str) -> None:
        """Whether the node serves from now on, as `NodeRow.standby`."""
        with self._lock:
            changed = self._row.standby != standby
            self._row = replace(self._row, standby=standby)
        if changed:
            self._stands_by(standby)

    def leaves(self, leaves: bool) -> None:
        """Whether the node is reported as leaving from now on, whatever its state is meanwhile."""
        with self._lock:
            self._leaves = leaves

    def _drain(self, drain: bool) -> None:
        if drain != self._row.drain:
            with self._lock:
                self._row = replace(self._row, drain=drain)
            self._drains(drain)

    @property
    def state(self) -> str:
        return self._row.state

    @property
    def standby(self) -> str:
        return self._row.standby

    def end(self) -> None:
        """Stop reporting and remove the row: the node has left. A row that is marked stays: the mark keeps a
        runner that is started again from taking jobs."""
        self._ended.set()
        self._thread.join()
        try:
            if self._row.drain:
                self.set("leaving", detail="drained; batchai cluster node undrain lets it serve again")
                self._row = replace(self._row, left=True)
                self._publish()
            else:
                self._nodes.forget(self._row)
        except StoreError as error:
            log.warning("node row not removed: %s", error, extra={"action": "node_left"})

    def _keep_reporting(self) -> None:
        due = time.monotonic() + self._every_seconds
        while not self._ended.wait(max(0.0, min(_SETTLE_SECONDS, due - time.monotonic()))):
            if time.monotonic() >= due or self._wanted() != self._reported:
                due = time.monotonic() + self._every_seconds
                self._publish()

    def _publish(self) -> None:
        try:
            if not self._seen:
                self._see()
            for _ in range(_TRIES):
                if self._report_over():
                    return
            self._report()
        except StoreError as error:
            log.warning("node report failed: %s", error, extra={"action": "node_report"})

    def _see(self) -> None:
        """A mark that was there before this runner: nothing that changes later would show it."""
        found = self._nodes.node(self._row.cluster, self._row.node_id)
        self._seen = True
        if found:
            self._drain(found[0].drain)

    def _report_over(self) -> bool:
        """Report over the row as it was last seen; False when it is no longer so: then it was looked at."""
        try:
            self._report(self._etag)
            return True
        except LostOwnershipError:
            found = self._nodes.node(self._row.cluster, self._row.node_id)
            self._etag = found[1] if found else ""
            # Somebody woke it up, or only the answer to our last report was lost: looking does no harm.
            self._woken()
            if found:
                self.stand_by(found[0].standby)
                self._drain(found[0].drain)
        except NotFoundError:
            self._etag = ""  # somebody has removed the row: we are still there
        return False

    def _wanted(self) -> NodeRow:
        with self._lock:
            lasts = round(time.monotonic() - self._since, 1)
            row = replace(self._row, state_seconds=lasts)
            return replace(row, state="leaving") if self._leaves else row

    def _report(self, etag: str = "") -> None:
        row = self._wanted()
        self._etag = self._nodes.report(replace(row, gpu_readings=self._gpu_readings()), etag)
        self._reported = row
