"""What stands on accepted documents beside their text: how their run ended, and whether its files are gone.

Metadata of the blob, so that a listing shows it; `replace_accepted` carries it along.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

from shared.errors import NotFoundError
from shared.names.ids import ClusterId
from shared.stores.connection import Connection, translated
from shared.stores.service_time import ServiceTime

_MOST_LISTED = 5000  #: blobs of one page; the service's own limit
_ENDED, _ATTEMPT, _CLUSTER, _CLEARED = "ended", "attempt", "cluster", "cleared"


@dataclass(frozen=True)
class EndedRun:
    """What is noted of a run whose row is removed before its files."""

    ended: datetime
    attempt: int
    cluster: ClusterId


@dataclass(frozen=True)
class Marked:
    """An accepted document. `age_seconds` since it or its marks were written, by the service's clock."""

    name: str
    age_seconds: float
    ended: EndedRun | None = None
    cleared: bool = False  #: nothing is left to be done about the files of its run

    @property
    def is_of_cluster(self) -> bool:
        """Whether it is a cluster's, which is deleted with its workspace, and no run's."""
        return self.name.startswith("cluster-")


class AcceptedMarks:
    """The container `accepted`, by its listing. Raises StoreError."""

    def __init__(self, connection: Connection) -> None:
        self._container = connection.settings.accepted_container
        self._blobs = connection.blobs

    def page(self, after: str = "") -> tuple[list[Marked], str]:
        """A page of the documents, by name, and the place of the next page, "" after the last: one call."""
        time = ServiceTime()
        blobs = self._blobs.get_container_client(self._container).list_blobs(
            include=["metadata"], results_per_page=_MOST_LISTED, raw_response_hook=time.hook
        )
        with translated("listing the accepted documents"):
            pages: Any = blobs.by_page(continuation_token=after or None)
            page = list(next(pages, ()))
        now = time.now
        found = [
            _marked(str(blob.name), (now - blob.last_modified).total_seconds(), blob.metadata or {})
            for blob in page
        ]
        return found, str(pages.continuation_token or "")

    def mark_ended(self, name: str, run: EndedRun) -> None:
        """Note of a document how its run ended, whose row is about to be removed; a missing one is fine."""
        cluster = quote(str(run.cluster))
        self._mark(
            name,
            {_ENDED: run.ended.isoformat(), _ATTEMPT: str(run.attempt), _CLUSTER: cluster},
        )

    def mark_cleared(self, name: str) -> None:
        """Note that nothing is to be done any more about the files of a run; a missing document is fine."""
        self._mark(name, {_CLEARED: "true"})

    def _mark(self, name: str, marks: dict[str, str]) -> None:
        try:
            with translated(f"marking the accepted document {name}"):
                self._blobs.get_blob_client(self._container, f"{name}.json").set_blob_metadata(marks)
        except NotFoundError:
            pass  # its job was removed


def _marked(path: str, age_seconds: float, metadata: Mapping[str, str]) -> Marked:
    # The service keeps names as they were written, and compares them without regard to case.
    marks = {name.lower(): value for name, value in metadata.items()}
    return Marked(path.removesuffix(".json"), age_seconds, _ended_run(marks), _CLEARED in marks)


def _ended_run(marks: Mapping[str, str]) -> EndedRun | None:
    """None where there is none, or where it is not what this version writes."""
    try:
        workspace, _, cluster = unquote(marks[_CLUSTER]).rpartition("/")
        ended = datetime.fromisoformat(marks[_ENDED])
        return EndedRun(ended, int(marks[_ATTEMPT]), ClusterId(workspace, cluster))
    except (KeyError, ValueError):
        return None
