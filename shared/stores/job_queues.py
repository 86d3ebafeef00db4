"""The queues: one per cluster and priority. Messages are plain JSON on both sides and never expire."""

import json
import math
import time
from dataclasses import dataclass, replace

from azure.storage.queue import QueueClient

from shared.errors import BeingRemovedError, ConflictError, NotFoundError
from shared.jobs.model import Job, Lease, StreamSeal
from shared.names.ids import PRIORITIES, ClusterId, JobId, queue_name
from shared.stores.connection import Connection, translated
from shared.stores.message_text import VERSION, body_of, text_of
from shared.telemetry import tracing

#: For as long as this the service blocks the name of a queue that was removed (30 s at least, it says).
_REMOVAL_SECONDS = 60.0


@dataclass(frozen=True)
class JobMessage:
    """A message as received: which run of which job, and what proves that it is ours to handle.

    `job` is None when the text is not one of ours (a stray or damaged message), or `newer`.
    """

    queue: str
    message_id: str
    pop_receipt: str
    dequeue_count: int
    job: JobId | None
    uuid: str
    attempt: int  #: attempts the job had had when the message was put; a hint for logs only
    last_heard: tuple[StreamSeal, ...] = ()  #: what its runner had reported of its logs with its last renewal
    excused: int = 0  #: deliveries that were put back on purpose; they are not held against it
    suspected: int = 0  #: times that a runner was about to claim it after very many deliveries
    newer: bool = False  #: written by a later version, for its own runners
    hint: ClusterId | None = None  #: a gang of this cluster lacks nodes; such a message means no job
    #: what it says of the job beside its name (managers/carried_jobs.py); "" once it is rewritten
    carried: str = ""
    traceparent: str = ""  #: of the run's trace, where its sender records traces


class JobQueues:
    """Sends, receives and renews messages. No secret ever travels through a queue."""

    def __init__(self, connection: Connection) -> None:
        self._service = connection.queues
        self._clients: dict[str, QueueClient] = {}

    def provision(self, cluster: ClusterId) -> None:
        """Create the queues of a cluster where they are missing. Waits while the service still removes
        earlier ones of the name. Raises StoreError."""
        for priority in PRIORITIES:
            self._create(queue_name(cluster, priority))

    def _create(self, name: str) -> None:
        deadline = time.monotonic() + _REMOVAL_SECONDS
        while True:
            try:
                with translated(f"creating queue {name}"):
                    self._client(name).create_queue()
                return
            except ConflictError:
                return  # exists with other metadata: it is there, which is all we want
            except BeingRemovedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1.0)

    def remove(self, cluster: ClusterId) -> None:
        """Remove the queues of a cluster with their messages; missing ones are fine."""
        for priority in PRIORITIES:
            name = queue_name(cluster, priority)
            try:
                with translated(f"removing queue {name}"):
                    self._client(name).delete_queue()
            except (NotFoundError, BeingRemovedError):
                pass  # gone, or about to be

    def send(
        self, job: Job, hidden_seconds: float = 0.0, logs: tuple[StreamSeal, ...] = (), carried: str = ""
    ) -> tuple[str, str]:
        """Put a message for a job, to be seen in `hidden_seconds`; its id and its pop receipt. `logs` as in
        `renew`, `carried` as in JobMessage. Raises StoreError; NotFoundError when the cluster has no
        queues."""
        context = tracing.traceparent(job.uuid)
        body = text_of(job.id, job.uuid, job.attempt, logs, carried=carried, traceparent=context)
        name = queue_name(job.cluster, job.priority)
        with translated(f"queueing job {job.id}"):
            # -1: the default would drop a job that waits for more than seven days.
            sent = self._client(name).send_message(
                body, time_to_live=-1, visibility_timeout=math.ceil(hidden_seconds)
            )
        return str(sent.id), str(sent.pop_receipt)

    def receive(self, name: str, lease_seconds: float) -> JobMessage | None:
        """The next visible message, hidden from others for `lease_seconds`; None when there is none."""
        with translated(f"receiving from queue {name}"):
            message = self._service.receive_message(name, max(1, round(lease_seconds)))
        if message is None:
            return None
        body = body_of(message.content)
        return JobMessage(
            queue=name,
            message_id=str(message.id),
            pop_receipt=str(message.pop_receipt),
            dequeue_count=int(message.dequeue_count or 1),
            job=body.job,
            uuid=body.uuid,
            attempt=body.attempt,
            last_heard=body.seals,
            excused=body.excused,
            suspected=body.suspected,
            newer=body.newer,
            hint=body.hint,
            carried=body.carried,
            traceparent=body.traceparent,
        )

    def send_hints(self, cluster: ClusterId, count: int, seconds: float) -> None:
        """Inform `count` runners that a gang lacks nodes. Only hints: they vanish after `seconds`."""
        name = queue_name(cluster, PRIORITIES[0])
        body = json.dumps({"v": VERSION, "hint": [cluster.workspace, cluster.cluster]})
        with translated(f"asking for nodes in queue {name}"):
            for _ in range(count):
                self._client(name).send_message(body, time_to_live=max(1, round(seconds)))

    def put_back(self, message: JobMessage, seconds: float) -> None:
        """Let a message be seen again in `seconds`; this delivery is not held against it. Raises
        LostOwnershipError."""
        self._rewrite(replace(message, excused=message.excused + 1), seconds)

    def suspect(self, message: JobMessage, seconds: float) -> JobMessage:
        """Leave in a message, hidden for `seconds` from now, that a runner is about to claim its job. Raises
        LostOwnershipError."""
        return self._rewrite(replace(message, suspected=message.suspected + 1), seconds)

    def _rewrite(self, message: JobMessage, seconds: float) -> JobMessage:
        if message.job is None:
            raise ValueError("a message that means no job is not put back")
        seals, excused, suspected = message.last_heard, message.excused, message.suspected
        context = message.traceparent
        text = text_of(
            message.job, message.uuid, message.attempt, seals, excused, suspected, traceparent=context
        )
        with translated(f"rewriting a message of queue {message.queue}"):
            answer = self._client(message.queue).update_message(
                message.message_id,
                pop_receipt=message.pop_receipt,
                content=text,
                visibility_timeout=round(seconds),
            )
        return replace(message, pop_receipt=str(answer.pop_receipt))

    def renew(
        self,
        name: str,
        message_id: str,
        pop_receipt: str,
        seconds: float,
        reported: tuple[Lease, tuple[StreamSeal, ...]] | None = None,
    ) -> str:
        """Hide the message for `seconds` from now; the new pop receipt. Raises LostOwnershipError.

        `reported` leaves in the message how far the logs of an attempt have come: a lost runner's next of
        kin finds it there, and it costs no call.
        """
        text = None
        if reported:
            lease, seals = reported
            context = lease.traceparent
            text = text_of(lease.job, lease.uuid, lease.attempt, seals, lease.excused, traceparent=context)
        with translated(f"renewing a message of queue {name}"):
            # 0 makes it visible at once, which gives it back.
            answer = self._client(name).update_message(
                message_id, pop_receipt=pop_receipt, content=text, visibility_timeout=round(seconds)
            )
        return str(answer.pop_receipt)

    def delete(self, name: str, message_id: str, pop_receipt: str) -> None:
        """Remove the message. Raises LostOwnershipError when another runner has received it meanwhile."""
        with translated(f"deleting a message of queue {name}"):
            self._service.delete_message(name, message_id, pop_receipt)

    def count(self, cluster: ClusterId) -> int:
        """Messages in the queues of a cluster, hidden ones included (approximate, as the service says)."""
        total = 0
        for priority in PRIORITIES:
            name = queue_name(cluster, priority)
            with translated(f"reading queue {name}"):
                total += self._client(name).get_queue_properties().approximate_message_count or 0
        return total

    def _client(self, name: str) -> QueueClient:
        if name not in self._clients:
            self._clients[name] = self._service.get_queue_client(name)
        return self._clients[name]
