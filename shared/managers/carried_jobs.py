"""What a message says of a job beside its name: its row as it was written, and its document.

A runner that receives such a message need not read either: it writes the claim over the row with the ETag
that it was given. If the row is another one by now the service refuses, and the runner reads it as ever. Only
documents without secrets travel, and only what somebody with a sealing key has put together is believed.
"""

import json
from dataclasses import dataclass

from shared.documents.spec import JobSpec, job_from_document, to_document
from shared.errors import BatchAIError
from shared.jobs import layouts
from shared.jobs.model import Job
from shared.names.ids import JobId
from shared.stores.carried_rows import carried_columns, job_from_columns
from shared.stores.secrets.sealing import Sealer

#: Of the form of documents and rows; one of another version is read where it lies, and judged there. The
#: second says the same of a job of the third layout: an earlier runner would write its claim to another row,
#: whose ETag may be the same.
_VERSION, _OF_THIRD_LAYOUT = 1, 2
#: Of a message, which holds 64 KiB: the progress of logs needs space too.
_MOST_BYTES = 16 * 1024


@dataclass(frozen=True)
class CarriedJob:
    """A job as its message describes it; what AcceptedJobs.spec would return, too."""

    job: Job
    spec: JobSpec
    cluster_revision: str


@dataclass(frozen=True)
class CarriedJobs:
    """Writes and reads the part of a message. Asks no storage."""

    sealer: Sealer

    def text(self, job: Job, spec: JobSpec, cluster_revision: str) -> str:
        """For the message of a row that was just inserted; "" where it must be read: jobs of several nodes,
        which others look at first, documents with secrets, large ones."""
        properties = json.loads(job.properties)
        if job.node_count > 1 or to_document(spec, lambda secret: "secret") != {"properties": properties}:
            return ""
        version = _OF_THIRD_LAYOUT if job.layout == layouts.THIRD else _VERSION
        carried = {"v": version, "etag": job.etag, "revision": cluster_revision, "row": carried_columns(job)}
        text = json.dumps(carried)
        return f"{self.sealer.digest(text)} {text}" if len(text) <= _MOST_BYTES else ""

    def read(self, text: str, name: JobId, uuid: str) -> CarriedJob | None:
        """What `text` says of the run `uuid`; None where that is nothing, or not to be believed."""
        digest, _, carried = text.partition(" ")
        if not carried or not self.sealer.has_digest(carried, digest):
            return None
        try:
            known = json.loads(carried)
            if known["v"] not in (_VERSION, _OF_THIRD_LAYOUT):
                return None
            job = job_from_columns(known["row"], str(known["etag"]))
            spec = job_from_document({"properties": json.loads(job.properties)}, _no_secret)
        except (BatchAIError, ValueError, KeyError, TypeError):
            return None
        return CarriedJob(job, spec, str(known["revision"])) if (job.id, job.uuid) == (name, uuid) else None


def _no_secret(sealed: object) -> str:
    raise ValueError("a document with secrets does not travel")
