"""The accepted documents of sweeps: sealed whole, for the secrets in them stand in what is not yet a job."""

import threading
from collections import OrderedDict

from shared.errors import DocumentError, NewerVersionError, Problem
from shared.stores.document_blobs import Documents
from shared.stores.secrets.sealing import Sealer
from shared.sweeps.model import Sweep
from shared.sweeps.parse import parse_sweep
from shared.sweeps.plan import SweepPlan

_VERSION = 1
#: Plans that are kept: reading one again costs a call, and a second for a document of 10,000 rows.
_MOST_KEPT = 16


class SweepDocuments:
    """Keeps and reads them. Thread-safe. An accepted document never changes."""

    def __init__(self, documents: Documents, sealer: Sealer) -> None:
        self._documents = documents
        self._sealer = sealer
        self._lock = threading.Lock()
        self._plans: OrderedDict[str, SweepPlan] = OrderedDict()

    def put(self, sweep: Sweep, text: str) -> None:
        """Store the text of a sweep.json that was accepted."""
        sealed = self._sealer.seal(text, sweep.uuid)
        document = {"v": _VERSION, "uuid": sweep.uuid, "sweep": str(sweep.id), "document": sealed}
        self._documents.put_accepted(sweep.uuid, document)

    def delete(self, uuid: str) -> None:
        """Remove it; a missing one is fine."""
        self._documents.delete_accepted(uuid)

    def plan(self, sweep: Sweep) -> SweepPlan:
        """What was accepted. Raises StoreError, DocumentError."""
        with self._lock:
            if known := self._plans.get(sweep.uuid):
                self._plans.move_to_end(sweep.uuid)
                return known
        plan = self._read(sweep)
        with self._lock:
            self._plans[sweep.uuid] = plan
            if len(self._plans) > _MOST_KEPT:
                self._plans.popitem(last=False)
        return plan

    def _read(self, sweep: Sweep) -> SweepPlan:
        document = self._documents.get_accepted(sweep.uuid)
        if document.get("v") != _VERSION:
            raise NewerVersionError(f"the document of sweep {sweep.id} is in the form of another version")
        plan = parse_sweep(self._sealer.unseal(document["document"], sweep.uuid), read=0).plan
        if plan is None:
            message = f"The accepted document of sweep {sweep.id} cannot be read by this version."
            raise DocumentError((Problem(0, 0, "$", message),))
        return plan
