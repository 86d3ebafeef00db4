"""What was accepted for runs of jobs, with its secrets opened."""

from dataclasses import dataclass

from shared.documents.spec import JobSpec, job_from_document
from shared.jobs.model import Job
from shared.stores.document_blobs import Documents
from shared.stores.secrets.sealing import Sealer


@dataclass(frozen=True)
class AcceptedJobs:
    """Reads only."""

    documents: Documents
    sealer: Sealer

    def spec(self, job: Job) -> tuple[JobSpec, str]:
        """What was accepted for a run, secrets opened, and the revision of the cluster it was accepted for.

        Raises NotFoundError, StoreError, DocumentError.
        """
        document = self.documents.get_accepted(job.uuid)
        spec = job_from_document(document, lambda sealed: self.sealer.unseal(sealed, job.uuid))
        return spec, str(document.get("clusterRevision", ""))
