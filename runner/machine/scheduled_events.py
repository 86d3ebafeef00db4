"""Azure's notices that this machine is about to be taken away (Scheduled Events of the metadata service).

Source: learn.microsoft.com, "Azure Metadata Service: Scheduled Events for Linux VMs". A Spot machine has at
least 30 s after `Preempt`, others have 5 to 15 minutes. An event may be withdrawn.
"""

import json
import logging
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

AZURE_URL = "http://169.254.169.254/metadata/scheduledevents?api-version=2020-07-01"
_NAME_PATH = "/metadata/instance/compute/name?api-version=2021-02-01&format=text"
#: `Freeze` is a pause of seconds, which a lease outlives.
_TAKES_THE_MACHINE = ("Preempt", "Terminate", "Reboot", "Redeploy")
#: The asset tag of every Azure machine's chassis (documented for cloud-init and WALinuxAgent).
_CHASSIS = Path("/sys/class/dmi/id/chassis_asset_tag")
_AZURE_CHASSIS = "7783-7084-3265-9085-8269-3286-77"
_POLL_SECONDS = 1.0
_TIMEOUT_SECONDS = 3.0
# The metadata service is on the machine itself; a proxy would answer for another one.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class MachineEvent:
    """The announced end of this machine, or a pause that no job survives."""

    event_id: str
    kind: str  #: Preempt, Terminate, Reboot or Redeploy
    not_before: str  #: as the service wrote it; "" once it has begun

    def as_json(self) -> dict[str, str]:
        return {"eventId": self.event_id, "eventType": self.kind, "notBefore": self.not_before}

    def __str__(self) -> str:
        return f"{self.kind} announced" + (f" for {self.not_before}" if self.not_before else "")


def events_url(env: Mapping[str, str]) -> str:
    """Where to ask: BATCHAI_SCHEDULED_EVENTS_URL ("off": nowhere), else on an Azure machine Azure's own."""
    if given := env.get("BATCHAI_SCHEDULED_EVENTS_URL", ""):
        return "" if given == "off" else given
    return AZURE_URL if is_azure_machine() else ""


def is_azure_machine() -> bool:
    """Whether this is a virtual machine of Azure's."""
    try:
        return _CHASSIS.read_text().strip() == _AZURE_CHASSIS
    except OSError:
        return False


class EventWatcher:
    """Asks from a thread of its own; says when the machine is to go, and when that was withdrawn."""

    def __init__(
        self,
        url: str,
        machine: str,
        going: Callable[[MachineEvent], None],
        staying: Callable[[], None],
        every_seconds: float = _POLL_SECONDS,
    ) -> None:
        """`machine`: the VM's name, of which events are taken for ours; "" asks the metadata service."""
        self._url = url
        self._machine = machine
        self._going = going
        self._staying = staying
        self._every_seconds = every_seconds
        self._reported: MachineEvent | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="scheduled-events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Stop asking; returns when a question under way is answered."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        pause = self._every_seconds
        while not self._ended.wait(pause):
            try:
                found = events_in(self._ask(self._url), self._name())
            except (OSError, ValueError) as error:
                # The first question of a machine's life may take two minutes to be answered.
                pause = min(30.0, pause * 2)
                log.info("no scheduled events: %s", error, extra={"action": "scheduled_events"})
                continue
            pause = self._every_seconds
            self._report(found[0] if found else None)

    def _report(self, found: MachineEvent | None) -> None:
        if found and self._reported is None:
            log.warning("%s", found, extra={"action": "machine_going"})
            self._going(found)
        elif self._reported and found is None:
            log.warning("%s: withdrawn", self._reported, extra={"action": "machine_staying"})
            self._staying()
        self._reported = found

    def _name(self) -> str:
        if not self._machine:
            parts = urlsplit(self._url)
            self._machine = self._ask(f"{parts.scheme}://{parts.netloc}{_NAME_PATH}").decode().strip()
        return self._machine

    def _ask(self, url: str) -> bytes:
        question = urllib.request.Request(url, headers={"Metadata": "true"})
        with _OPENER.open(question, timeout=_TIMEOUT_SECONDS) as answer:
            data: bytes = answer.read()
        return data


def events_in(answer: bytes, machine: str) -> tuple[MachineEvent, ...]:
    """The events in the service's answer that take `machine` away (several machines share a list).

    Raises ValueError when the answer is not what the service documents.
    """
    loaded: Any = json.loads(answer)
    if not isinstance(loaded, dict) or not isinstance(loaded.get("Events"), list):
        raise ValueError("the answer has no list of Events")
    return tuple(
        MachineEvent(str(e.get("EventId", "")), str(e["EventType"]), str(e.get("NotBefore", "")))
        for e in loaded["Events"]
        if isinstance(e, dict)
        and e.get("EventType") in _TAKES_THE_MACHINE
        and (not machine or machine in e.get("Resources", [machine]))
    )
