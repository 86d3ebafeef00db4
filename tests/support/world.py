"""A small installation over a real Azurite: one workspace per test, and a clock that can be moved."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from shared.backend import Backend, backend
from shared.jobs.model import Job, Outcome, Reason
from shared.managers.admission import Source
from shared.managers.claims import Claim, Help
from shared.managers.submission import Submission
from shared.names.ids import ClusterId, JobId, queue_name
from shared.settings import Settings
from shared.stores import cluster_table, row_keys
from shared.stores.connection import CallCounter
from shared.stores.job_queues import JobMessage
from tests.support.stores import Stores

DONE = Outcome(Reason.SUCCEEDED, 0)
CLUSTER = {
    "properties": {
        "vmSize": "STANDARD_D1",
        "userAccountSettings": {"adminUserName": "me", "adminUserSshPublicKey": "ssh-rsa AAAA"},
    }
}


def settings_for(connection_string: str, **changes: Any) -> Settings:
    """Settings with short times, over a storage account and a workspace that nobody else uses."""
    plain = Settings(
        storage=connection_string,
        sealing_keys=(b"k" * 32,),
        default_workspace=f"ws-{uuid.uuid4().hex[:12]}",
        lease_seconds=2,
        renew_seconds=0.5,
        retry_seconds=1,
        resend_seconds=5,
    )
    return replace(plain, **changes)


def document(command: str = "true", **properties: Any) -> bytes:
    """A job.json; a property that is None is left out."""
    least = {
        "nodeCount": 1,
        "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT",
        "customToolkitSettings": {"commandLine": command},
    }
    given = {name: value for name, value in (least | properties).items() if value is not None}
    return json.dumps({"properties": given}).encode()


@dataclass
class Clock:
    """The clock of one process, moved by tests instead of waiting."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


class World:
    """A backend, a cluster called "default", and the words that tests are written in."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = Clock()
        self.counter = CallCounter()
        self.backend = self.start()
        self.cluster = ClusterId(settings.default_workspace, "default")

    def wait(self, seconds: float) -> None:
        """Let the storage service's time go on."""
        time.sleep(seconds)

    @property
    def stores(self) -> Stores:
        return Stores(self.backend)

    @property
    def manager(self) -> Any:
        return self.backend.manager

    def start(self) -> Backend:
        """A process."""
        return backend(self.settings, self.counter, self.clock)

    def restart(self) -> None:
        """A fresh process: nothing remembered."""
        self.backend.close()
        self.backend = self.start()

    def create_cluster(self, document: dict[str, Any] = CLUSTER) -> None:
        place = f"{self.settings.clusters_container}/{self.cluster}/cluster.json"
        answer = self.backend.cluster_manager.accept(self.cluster, json.dumps(document).encode(), place)
        assert answer.accepted, answer.problems

    def forget_cluster(self) -> None:
        """At the end: other tests' sweeps need not look here any more."""
        table = self.backend.connection.tables.get_table_client(cluster_table.TABLE)
        table.delete_entity(row_keys.partition(self.cluster.workspace), self.cluster.cluster.lower())

    def id(self, name: str = "job") -> JobId:
        return JobId(self.settings.default_workspace, "exp", name)

    def place(self, name: str = "job") -> str:
        return f"{self.settings.jobs_container}/{self.id(name)}/job.json"

    def submit(self, name: str = "job", data: bytes = b"", etag: str = "0x1") -> Submission:
        """What the blob trigger does with a drop."""
        answer: Submission = self.manager.submit(
            self.id(name), data or document(), Source(self.place(name), etag)
        )
        return answer

    def accept(self, name: str = "job", data: bytes = b"", etag: str = "0x1") -> Job:
        answer = self.submit(name, data, etag)
        assert answer.job is not None, answer.problems
        return answer.job

    def job(self, name: str = "job") -> Job:
        found: Job = self.manager.get(self.id(name))
        return found

    def status(self, name: str = "job") -> dict[str, Any]:
        """status.json beside the drop; {} when there is none."""
        path = f"{self.id(name)}/status.json"
        client = self.backend.connection.blobs.get_blob_client(self.settings.jobs_container, path)
        try:
            loaded: dict[str, Any] = json.loads(client.download_blob().readall())
        except ResourceNotFoundError:
            return {}
        return loaded

    def queue(self, priority: str = "normal") -> str:
        return queue_name(self.cluster, priority)

    def receive(self, priority: str = "normal") -> JobMessage | None:
        return self.stores.queues.receive(self.queue(priority), self.settings.lease_seconds)

    def messages(self) -> int:
        """Messages of the cluster, hidden ones included."""
        return self.stores.queues.count(self.cluster)

    def next_job(self, owner: str = "node-0", priority: str = "normal") -> Claim | Help | None:
        return self.backend.claims.next_job(self.queue(priority), owner)

    def claim(self, owner: str = "node-0", priority: str = "normal") -> Claim | None:
        found = self.next_job(owner, priority)
        assert not isinstance(found, Help), "a gang lacks nodes"
        return found

    def must_claim(self, owner: str = "node-0", priority: str = "normal") -> Claim:
        claim = self.claim(owner, priority)
        assert claim is not None
        return claim

    def expire(self, claim: Claim) -> None:
        """The lease of a claim runs out now, as it does when its runner is gone."""
        lease = claim.lease
        # As if it had been renewed for the last time a while ago.
        job = self.stores.jobs.get(lease.job)
        assert job is not None
        self.stores.jobs.prolong(job, -1)
        self.stores.queues.renew(lease.queue, lease.message_id, lease.pop_receipt, 0)

    def finish(self, claim: Claim, outcome: Outcome = DONE) -> Job:
        ended: Job = self.backend.attempts.finish(claim.job, claim.lease, outcome)
        return ended


@contextmanager
def world(settings: Settings) -> Iterator[World]:
    """A World with its cluster, closed at the end."""
    made = World(settings)
    try:
        made.create_cluster()
        made.counter.reset()
        yield made
    finally:
        made.forget_cluster()
        made.backend.close()
