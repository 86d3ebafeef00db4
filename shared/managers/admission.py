"""From a dropped document to a Job ready to be stored: identity, hashes, the sealed copy."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from shared.documents.spec import JobSpec, public_properties, to_document
from shared.errors import Problem
from shared.jobs.model import Job, State
from shared.jobs.status_json import problems_json
from shared.names import table_limits
from shared.names.ids import NAME_PATTERN, ClusterId, JobId, Scope, cluster_from_arm_id
from shared.names.submitters import STORAGE
from shared.names.sweep_ids import RUN_MARK
from shared.settings import Settings
from shared.stores.secrets.sealing import Sealer

#: Namespace of our name-based uuids: the same drop gives the same uuid, however often it is delivered.
_NAMESPACE = UUID("6f1c8f5e-3a52-4c1f-9a44-6d0a7f1f2b9c")
_HTTP = "http-"


@dataclass(frozen=True)
class Source:
    """Where a document came from.

    `place` is "<container>/<path>" of a dropped blob, or where a document that came over HTTP is shown;
    `mark` is the blob's ETag, or a hash of the content where the trigger carries none; for HTTP a random one;
    for a run of a sweep which run it is (RunMark), so that it is made once however often it is tried.
    Place and mark together are the idempotency key of a drop; that of HTTP is the content. `by` shows people
    who sent it, and nothing else: who sends the same once more is not noted.
    """

    place: str
    mark: str
    by: str = STORAGE

    @property
    def http(self) -> bool:
        return self.mark.startswith(_HTTP)

    def __str__(self) -> str:
        return f"{self.place}@{self.mark}"


def place_of(source: str) -> str:
    """The place of a stored source."""
    return source.rpartition("@")[0]


def mark_of(source: str) -> str:
    """The ETag of a stored source that was a blob, else ""."""
    mark = source.rpartition("@")[2]
    return "" if mark.startswith((_HTTP, "sha256-", RUN_MARK)) else mark


def is_http(job: Job) -> bool:
    """Whether a job came over HTTP."""
    return job.source.rpartition("@")[2].startswith(_HTTP)


def http_source(settings: Settings, job: JobId, by: str) -> Source:
    """The source of a document that `by` sent over HTTP. Its mark is random: deleted and made again under the
    same name, a job gets another uuid."""
    return Source(f"{settings.jobs_container}/{job}/job.json", f"{_HTTP}{uuid4().hex}", by)


def content(spec: JobSpec, cluster: ClusterId) -> str:
    """What a document says, in one spelling, secrets included. Never stored; only its keyed digest is."""
    document = to_document(spec, lambda secret: secret)["properties"] | {"cluster": str(cluster).lower()}
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def first_uuid(job: JobId, source: Source) -> str:
    """The uuid of the first run under a name."""
    return str(uuid5(_NAMESPACE, f"{str(job).lower()}|{source}"))


def next_uuid(new: Job, ended: Job) -> str:
    """The uuid of the run that follows the run `ended` under the same name."""
    return str(uuid5(_NAMESPACE, f"{str(new.id).lower()}|{new.source}|{ended.uuid}"))


def cluster_of(spec: JobSpec, job: JobId, default_cluster: str, scope: Scope) -> ClusterId | None:
    """The cluster a document asks for: the ARM id in `cluster.id`, or a bare name in it (a cluster of the
    job's own workspace), else the default one. None when `cluster.id` is neither."""
    asked = spec.cluster.id if spec.cluster else ""
    if asked and not NAME_PATTERN.match(asked) and cluster_from_arm_id(asked) is None:
        return None
    return spec.cluster_id(job.workspace, default_cluster, scope)


def new_job(
    spec: JobSpec,
    job: JobId,
    cluster: ClusterId,
    source: Source,
    digest: str,
    problems: tuple[Problem, ...],
    now: datetime,
    max_attempts: int,
) -> Job:
    """The queued Job of an accepted document."""
    tool_type, _ = spec.toolkit
    return Job(
        id=job,
        uuid=first_uuid(job, source),
        cluster=cluster,
        priority=str(spec.scheduling_priority),
        node_count=spec.node_count,
        tool_type=tool_type,
        state=State.QUEUED,
        created=now,
        state_since=now,
        source=str(source),
        content_sha256=digest,
        enqueued=now,
        max_attempts=max_attempts,
        properties=table_limits.written(public_properties(spec)),
        problems=_problems_column(problems),
        submitted_by=source.by,
    )


def _problems_column(problems: tuple[Problem, ...]) -> str:
    """As many problems as one column holds, as JSON; the rest is in the status.json of the drop."""
    shown = problems_json(problems)[:50]
    while len(text := json.dumps(shown, separators=(",", ":"))) > table_limits.MOST_PROBLEMS:
        shown.pop()
    return text


def accepted_document(spec: JobSpec, job: Job, cluster_revision: str, sealer: Sealer) -> dict[str, Any]:
    """What is stored as accepted/<uuid>.json: the document with sealed secrets, and what it was accepted
    against."""
    return {"uuid": job.uuid, "job": str(job.id), "clusterRevision": cluster_revision} | to_document(
        spec, lambda secret: sealer.seal(secret, job.uuid)
    )
