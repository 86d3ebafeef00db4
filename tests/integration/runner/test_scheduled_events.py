"""The machine's end is announced by a stand-in for Azure's metadata service."""

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from runner.isolation.node_config import NodeConfig
from runner.machine.scheduled_events import EventWatcher, MachineEvent
from shared.backend import backend
from shared.jobs.events import EventKind
from shared.jobs.model import State
from tests.support import agents
from tests.support.agents import running
from tests.support.waiting import eventually
from tests.support.world import World, document

NAME = "gpu-vm-0"


class MetadataService(ThreadingHTTPServer):
    """Says which events are scheduled; a question without the header is refused, as the original does."""

    events: ClassVar[list[dict[str, Any]]] = []

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: list[dict[str, Any]] = []  # type: ignore[misc]
        self.failing = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/metadata/scheduledevents?api-version=2020-07-01"

    def announce(self, kind: str, *machines: str) -> None:
        self.events = [  # type: ignore[misc]
            {
                "EventId": "C7061BAC-AFDC-4513-B24B-AA5F13A16123",
                "EventStatus": "Scheduled",
                "EventType": kind,
                "ResourceType": "VirtualMachine",
                "Resources": list(machines or (NAME,)),
                "NotBefore": "Mon, 11 Apr 2022 22:26:58 GMT",
                "Description": "",
                "EventSource": "Platform",
                "DurationInSeconds": -1,
            }
        ]


class _Handler(BaseHTTPRequestHandler):
    server: MetadataService

    def do_GET(self) -> None:
        allowed = self.headers.get("Metadata") == "true" and not self.server.failing
        answer = json.dumps({"DocumentIncarnation": 2, "Events": self.server.events}).encode()
        if "/compute/name" in self.path:
            answer = NAME.encode()
        self.send_response(200 if allowed else 400)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def metadata() -> Iterator[MetadataService]:
    with MetadataService() as service:
        thread = Thread(target=service.serve_forever, args=(0.02,))
        thread.start()
        yield service
        service.shutdown()
        thread.join()


class Reported:
    def __init__(self, service: MetadataService, machine: str = "") -> None:
        self.heard: list[str] = []
        self.watcher = EventWatcher(service.url, machine, self.going, self.staying, 0.02)

    def going(self, event: MachineEvent) -> None:
        self.heard.append(event.kind)

    def staying(self) -> None:
        self.heard.append("stays")

    def __enter__(self) -> "Reported":
        self.watcher.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.watcher.end()


@pytest.mark.parametrize("kind", ["Preempt", "Terminate", "Reboot", "Redeploy"])
def test_what_takes_the_machine_is_reported_once_and_so_is_its_withdrawal(
    metadata: MetadataService, kind: str
) -> None:
    with Reported(metadata) as reported:
        metadata.announce(kind)
        eventually(lambda: reported.heard == [kind], 5)
        metadata.events = []  # type: ignore[misc]
        eventually(lambda: reported.heard == [kind, "stays"], 5)


def test_events_of_others_and_pauses_of_seconds_are_not_ours(metadata: MetadataService) -> None:
    with Reported(metadata) as reported:
        metadata.announce("Preempt", "gpu-vm-1")
        metadata.announce("Freeze")
        metadata.announce("Reboot")
        eventually(lambda: reported.heard, 5)
        assert reported.heard == ["Reboot"]


def test_a_service_that_fails_for_a_while_is_asked_again(metadata: MetadataService) -> None:
    metadata.failing = True
    with Reported(metadata, NAME) as reported:
        metadata.announce("Preempt")
        metadata.failing = False
        eventually(lambda: reported.heard == ["Preempt"], 5)


JOB = """
trap 'echo asked; cat $AZ_BATCHAI_PREEMPTION_NOTICE > {folder}/notice; exit 1' TERM
echo $AZ_BATCHAI_ATTEMPT >> {folder}/attempts
[ $AZ_BATCHAI_ATTEMPT = 2 ] && exit 0
while :; do sleep 0.02; done
"""


def test_a_job_is_asked_and_handed_back_in_time_and_the_machine_may_stay(
    world: World, config: Callable[..., NodeConfig], metadata: MetadataService, tmp_path: Path
) -> None:
    world.accept(data=document(JOB.format(folder=tmp_path)))
    theirs = backend(world.settings)
    with running(agents.agent(theirs, config(scheduled_events_url=metadata.url, grace_seconds=30))):
        eventually(lambda: (tmp_path / "attempts").exists())
        # When the machine is to be taken away
        before = time.monotonic()
        metadata.announce("Preempt")
        # Then the job is back in the queue within five seconds, and had been asked
        eventually(lambda: world.job().state is State.QUEUED, 5)
        assert time.monotonic() - before < 5
        assert json.loads((tmp_path / "notice").read_text())["eventType"] == "Preempt"
        job = world.job()
        assert job.max_attempts - job.attempt == 3, "nothing of the budget is used up"
        assert EventKind.HANDED_BACK in {event.kind for event in job.events}
        assert world.messages() == 1
        # And the node takes no other until that is withdrawn
        time_to_see = time.monotonic() + 1
        eventually(lambda: time.monotonic() > time_to_see)
        assert world.job().state is State.QUEUED
        metadata.events = []  # type: ignore[misc]
        eventually(lambda: world.job().state is State.SUCCEEDED)
    theirs.close()
    assert (tmp_path / "attempts").read_text() == "1\n2\n"
