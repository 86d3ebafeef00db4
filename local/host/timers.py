"""Timer triggers: UTC, one run at a time, late runs caught up once after a restart (`past_due`)."""

import datetime as dt
import json
import logging
from collections.abc import Callable

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobClient, ContainerClient

from local.host import sdk
from local.host.connections import HOST_STORAGE, Connections
from local.host.errors import HostError
from local.host.loop import Loop, one_line
from local.host.model import Function, TimerTrigger
from local.host.ncrontab import Schedule, parse_schedule
from local.host.receipts import HOSTS_CONTAINER, create_container
from local.host.worker import Invocation, Worker

log = logging.getLogger("host")

_LONGEST_WAIT_SECONDS = 60.0
_MONITORED_FROM = dt.timedelta(minutes=1)  #: the host does not record faster schedules either


def _schedule(name: str, text: str) -> Schedule:
    try:
        return parse_schedule(text)
    except HostError as error:
        raise HostError(f"Function {name}: {error.message}", error.advice) from error


class TimerStatus:
    """When a timer ran last and should run next, kept in the host's container."""

    def __init__(self, hosts: ContainerClient, host_id: str, function: Function) -> None:
        self._hosts = hosts
        self._blob: BlobClient = hosts.get_blob_client(f"timers/{host_id}/{function.function_id}/status")

    def load(self) -> dict[str, str]:
        try:
            document = json.loads(self._blob.download_blob().readall())
        except (ResourceNotFoundError, ValueError):
            return {}
        return {k: str(v) for k, v in document.items()} if isinstance(document, dict) else {}

    def save(self, status: dict[str, str]) -> None:
        data = json.dumps(status).encode()
        try:
            self._blob.upload_blob(data, overwrite=True)
        except ResourceNotFoundError:
            create_container(self._hosts)
            self._blob.upload_blob(data, overwrite=True)


class Timer:
    """`step` is for a Loop. `now` gives the time in UTC."""

    def __init__(
        self,
        function: Function,
        status: TimerStatus,
        worker: Worker,
        now: Callable[[], dt.datetime],
    ) -> None:
        trigger = function.trigger
        assert isinstance(trigger, TimerTrigger)
        self.function = function
        self._trigger = trigger
        self._schedule = _schedule(function.name, trigger.schedule)
        self._store = status
        self._worker = worker
        self._now = now
        self._next: dt.datetime | None = None
        self._status: dict[str, str] = {}
        first = self._schedule.next_after(now())
        fast = self._schedule.next_after(first) - first < _MONITORED_FROM
        self._monitored = trigger.use_monitor and not fast

    def step(self) -> float:
        """Run if it is time; returns the seconds until the next look."""
        if self._next is None:
            self._begin()
        assert self._next is not None
        if self._now() >= self._next:
            self.run(f"Timer fired at {self._now().isoformat()}")
            self._plan(ran=True)
        return min(max((self._next - self._now()).total_seconds(), 0.0), _LONGEST_WAIT_SECONDS)

    def run(self, reason: str, past_due: bool = False) -> None:
        """Run the function to its end; a failure is in the log and waits for the next time."""
        value = sdk.timer_value(past_due, self._status)
        try:
            self._worker.submit(Invocation(self.function, lambda: value, reason)).result()
        except Exception as error:
            log.info("Timer %s waits for its next time after: %s", self.function.name, one_line(error))

    def _begin(self) -> None:
        self._status = self._store.load() if self._monitored else {}
        past_due = self._is_past_due()
        self._next = self._schedule.next_after(self._now())
        if past_due or self._trigger.run_on_startup:
            self.run("Timer fired at start-up" + (" (past due)" if past_due else ""), past_due)
            self._plan(ran=True)
        elif not self._status:
            self._plan(ran=False)  # so that a run missed before the first one is noticed

    def _is_past_due(self) -> bool:
        try:
            return dt.datetime.fromisoformat(self._status["Next"]) < self._now()
        except (KeyError, ValueError, TypeError):
            return False

    def _plan(self, ran: bool) -> None:
        now = self._now()
        last = now.isoformat() if ran else ""
        self._next = self._schedule.next_after(now)
        self._status = {
            "Last": last,
            "Next": self._next.isoformat(),
            "LastUpdated": now.isoformat(),
        }
        if self._monitored:
            self._store.save(self._status)


class TimerFunctions:
    """All timer functions of an app. Building it checks the schedules (HostError)."""

    def __init__(
        self, host_id: str, functions: list[Function], connections: Connections, worker: Worker
    ) -> None:
        hosts = connections.blobs(HOST_STORAGE).get_container_client(HOSTS_CONTAINER)
        self._timers: dict[str, Timer] = {}
        for function in functions:
            status = TimerStatus(hosts, host_id, function)
            self._timers[function.name] = Timer(function, status, worker, lambda: dt.datetime.now(dt.UTC))
        self.loops = [Loop(f"timer {name}", timer.step) for name, timer in self._timers.items()]

    def run(self, function: Function, value: str) -> None:
        """Run once, out of turn; `value` is not used."""
        self._timers[function.name].run("admin API")
