"""Blobs that hold documents: what was accepted, and the status beside what was dropped."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from azure.core import MatchConditions
from azure.storage.blob import BlobLeaseClient

from shared.errors import LockedError, LostOwnershipError, NotFoundError
from shared.jobs import status_json
from shared.stores.connection import Connection, translated
from shared.stores.service_time import ServiceTime

log = logging.getLogger(__name__)

_MOST_LISTED = 5000  #: blobs of one page; the service's own limit
_TRIES = 3
_JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Dropped:
    """A blob of a drop container. `age_seconds` since it was written, by the service's clock."""

    path: str
    age_seconds: float
    etag: str = ""

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]


@dataclass(frozen=True)
class DroppedPage:
    """Blobs by name, and the place of the next page, "" after the last."""

    found: tuple[Dropped, ...]
    next: str


class Documents:
    """The containers `accepted` (private) and the drop containers (status.json only)."""

    def __init__(self, connection: Connection) -> None:
        self._blobs = connection.blobs
        self._accepted = connection.settings.accepted_container

    def put_accepted(self, name: str, document: dict[str, Any], workspace: str = "") -> None:
        """Store an accepted document as `<name>.json`. Its secrets must be sealed already. With `workspace`
        it is deleted by `delete_accepted_of`."""
        self._put(self._accepted, f"{name}.json", document, metadata=_owned_by(workspace))

    def delete_accepted_of(self, workspace: str, prefix: str) -> None:
        """Remove the accepted documents of a workspace whose names begin with `prefix`: one listing of those
        of all workspaces."""
        container = self._blobs.get_container_client(self._accepted)
        with translated(f"listing the accepted documents of workspace {workspace}"):
            found = container.list_blobs(name_starts_with=prefix, include=["metadata"])
            names = [
                blob.name for blob in found if (blob.metadata or {}).items() >= _owned_by(workspace).items()
            ]
        for name in names:
            self.delete_accepted(str(name).removesuffix(".json"))

    def get_accepted(self, name: str) -> dict[str, Any]:
        """The accepted document. Raises NotFoundError, StoreError."""
        return self.read_accepted(name)[0]

    def list_accepted(self) -> Iterator[str]:
        """The names of all accepted documents."""
        with translated("listing the accepted documents"):
            for blob in self._blobs.get_container_client(self._accepted).list_blobs():
                yield str(blob.name).removesuffix(".json")

    def read_accepted(self, name: str) -> tuple[dict[str, Any], str]:
        """An accepted document and its ETag. Raises NotFoundError, StoreError."""
        with translated(f"reading the accepted document {name}"):
            found, etag = self._blobs.download_blob(self._accepted, f"{name}.json")
        loaded: dict[str, Any] = json.loads(found)
        return loaded, etag

    def replace_accepted(self, name: str, document: dict[str, Any], etag: str) -> None:
        """Write an accepted document over the version with `etag`. Raises LostOwnershipError, StoreError."""
        client = self._blobs.get_blob_client(self._accepted, f"{name}.json")
        with translated(f"looking at the accepted document {name}"):
            metadata = client.get_blob_properties().metadata
        self._put(self._accepted, f"{name}.json", document, etag, metadata=metadata)

    def delete_accepted(self, name: str) -> None:
        """Remove an accepted document that never became a job; a missing one is fine."""
        try:
            with translated(f"deleting the accepted document {name}"):
                self._blobs.get_blob_client(self._accepted, f"{name}.json").delete_blob()
        except NotFoundError:
            pass  # somebody else removed it

    def put_status(self, dropped: str, status: dict[str, Any]) -> None:
        """Write status.json beside a dropped file. `dropped` is "<container>/<folders>/<file>"."""
        container, name = _status_place(dropped)
        try:
            self._put(container, name, status)
        except LockedError:
            self._unlock(container, name)
            self._put(container, name, status)

    def put_first_status(self, dropped: str, status: dict[str, Any]) -> None:
        """As `put_status`, where none is. Raises ConflictError where there is one."""
        container, name = _status_place(dropped)
        self._put(container, name, status, overwrite=False)

    def list_dropped(self, container: str) -> Iterator[str]:
        """The paths of all files of a drop container."""
        with translated(f"listing {container}"):
            yield from map(str, self._blobs.get_container_client(container).list_blob_names())

    def _unlock(self, container: str, name: str) -> None:
        """Break the lock that somebody has taken on a status.json: it is ours, and whoever may write to the
        container could keep a job's answer from everybody."""
        log.warning("lock broken on %s/%s", container, name, extra={"action": "unlock"})
        client = self._blobs.get_blob_client(container, name)
        with translated(f"breaking a lock on {container}/{name}"):
            BlobLeaseClient(client).break_lease(lease_break_period=0)

    def put_dropped(self, dropped: str, document: dict[str, Any]) -> None:
        """Write "<container>/<path>" as if it had been dropped."""
        container, _, path = dropped.partition("/")
        self._put(container, path, document)

    def read_dropped(self, dropped: str) -> tuple[bytes, str] | None:
        """What lies at "<container>/<path>" and its ETag, or None."""
        container, _, path = dropped.partition("/")
        try:
            with translated(f"reading {dropped}"):
                found = self._blobs.get_blob_client(container, path).download_blob(max_concurrency=1)
                return found.readall(), str(found.properties.etag)
        except NotFoundError:
            return None

    def is_answered(self, dropped: str) -> bool:
        """Whether a status.json lies beside "<container>/<path>"."""
        container, name = _status_place(dropped)
        with translated(f"looking at {container}/{name}"):
            return bool(self._blobs.get_blob_client(container, name).exists())

    def dropped_page(self, container: str, after: str = "") -> "DroppedPage":
        """A page of what lies in a drop container, by name: one call. `after`: the page's place, reported by
        the one before it. A container that is missing is empty."""
        time = ServiceTime()
        blobs = self._blobs.get_container_client(container).list_blobs(
            results_per_page=_MOST_LISTED,
            raw_response_hook=time.hook,
        )
        try:
            with translated(f"listing {container}"):
                pages: Any = blobs.by_page(continuation_token=after or None)
                page = list(next(pages, ()))
        except NotFoundError:
            return DroppedPage((), "")
        now = time.now
        found = (Dropped(str(b.name), (now - b.last_modified).total_seconds(), str(b.etag)) for b in page)
        return DroppedPage(tuple(found), str(pages.continuation_token or ""))

    def overtaken(self, dropped: str, etag: str) -> bool:
        """Whether another document lies by now at the place of a drop that had `etag` ("": not known). What
        was there and is gone is not overtaken."""
        if not etag:
            return False
        container, _, path = dropped.partition("/")
        try:
            with translated(f"looking at {dropped}"):
                found = self._blobs.get_blob_client(container, path).get_blob_properties()
        except NotFoundError:
            return False
        return str(found.etag).strip('"') != etag.strip('"')

    def delete_dropped(self, dropped: str, etag: str = "") -> None:
        """Remove a dropped file, with `etag` only where it is still that one; a missing one is fine."""
        container, _, path = dropped.partition("/")
        condition = _only(f'"{etag}"' if etag else "")
        try:
            with translated(f"deleting {dropped}"):
                self._blobs.get_blob_client(container, path).delete_blob(**condition)
        except (NotFoundError, LostOwnershipError):
            pass  # gone, or another document lies there now
        except LockedError:
            # Somebody's own file: it stays.
            log.warning("%s is locked and stays", dropped, extra={"action": "delete_dropped"})

    def delete_status(self, dropped: str, uuid: str = "") -> None:
        """Remove the status.json beside a dropped file. With `uuid` only one that is not about another run
        and answers no document that was refused: a name can be taken at any moment."""
        container, name = _status_place(dropped)
        for _ in range(_TRIES):
            condition = _only("")
            if uuid:
                found = self.read_dropped(f"{container}/{name}")
                if found is None or status_json.is_about_another(found[0], uuid):
                    return
                condition = _only(found[1])
            try:
                with translated(f"deleting {container}/{name}"):
                    self._blobs.get_blob_client(container, name).delete_blob(**condition)
                return
            except NotFoundError:
                return
            except LostOwnershipError:
                pass  # written meanwhile: it is looked at again
            except LockedError:
                self._unlock(container, name)

    def _put(
        self,
        container: str,
        name: str,
        document: dict[str, Any],
        etag: str = "",
        overwrite: bool = True,
        metadata: dict[str, str] | None = None,
    ) -> None:
        """`etag`: only over the version that has it."""
        data = json.dumps(document, indent=2, ensure_ascii=False).encode()
        with translated(f"writing {container}/{name}"):
            self._blobs.upload_blob(
                container, name, data, _JSON, overwrite=overwrite, etag=etag, metadata=metadata
            )


def _owned_by(workspace: str) -> dict[str, str]:
    """Metadata of an accepted document that is deleted with a workspace."""
    return {"workspace": quote(workspace.lower())} if workspace else {}


def _only(etag: str) -> dict[str, Any]:
    """The condition that what is there still has `etag`; none for ""."""
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}


def _status_place(dropped: str) -> tuple[str, str]:
    """Container and path of the status.json beside "<container>/<folders>/<file>"."""
    container, _, path = dropped.partition("/")
    folder = path.rpartition("/")[0]
    return container, f"{folder}/status.json" if folder else "status.json"
