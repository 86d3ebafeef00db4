"""Removing what lies in a folder of a share or a container, in steps: as far as a budget reaches.

Nothing is noted of how far it is: whoever asks again finds what is left.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import ContainerClient
from azure.storage.fileshare import ShareClient, ShareLeaseClient

from shared.environment.layout import runs_in
from shared.stores.connection import CallCounter, counting_transport, error_code
from shared.stores.volumes.folders import Folder, explained, options_of

#: Of one listing.
_PAGE = 1000


@dataclass
class Budget:
    """How much may still be removed: files and folders, and until when (`clock`, seconds)."""

    left: int
    until: float
    clock: Callable[[], float] = time.monotonic

    @property
    def spent(self) -> bool:
        return self.left <= 0 or self.clock() >= self.until


def clear(kind: str, folder: Folder, budget: Budget, counter: CallCounter | None = None) -> bool:
    """Remove a folder with all that is in it; whether that is done, else the budget was spent before. One
    that is missing is done. What lies there in the folder of another run stays.

    `kind`: "share" or "container". Raises StoreError where something cannot be removed, after all other files
    beside it were; RequestError where the account lets nobody in.
    """
    if not folder.folder:
        raise ValueError("a whole share or container is no folder of a run")
    options = options_of(folder)
    if counter:
        options["transport"] = counting_transport(counter, "data")
    with explained(folder, kind, "clearing"):
        if kind == "container":
            with ContainerClient(folder.url, folder.name, **options) as container:
                return _ContainerFolder(container, folder.folder, budget).clear()
        options |= {} if folder.key else {"token_intent": "backup"}
        with ShareClient(folder.url, folder.name, **options) as share:
            return _ShareFolder(share, folder.folder, budget).clear("")


def _is_of_another(path: str, folder: str) -> bool:
    """Whether a path in a run's folder leads into the folder of another run."""
    return any(uuid != folder.rpartition("/")[2] for uuid in runs_in(path.removeprefix(f"{folder}/")))


@dataclass
class _Step:
    """Removes one thing after the other, and continues after one that could not be removed."""

    budget: Budget
    removed: int = 0
    fault: HttpResponseError | None = field(default=None)

    def remove(self, call: Callable[[], Any]) -> None:
        self.budget.left -= 1
        try:
            call()
            self.removed += 1
        except ResourceNotFoundError:
            self.removed += 1  # somebody else did
        except HttpResponseError as error:
            self.fault = self.fault or error

    def check(self) -> None:
        """Raise what could not be removed where nothing else is left to do: a further look shows the same."""
        if self.fault and not self.removed:
            raise self.fault


class _ShareFolder:
    """A folder of a share; paths are relative to it."""

    def __init__(self, share: ShareClient, folder: str, budget: Budget) -> None:
        self._share, self._folder, self._budget = share, folder, budget
        self._kept = False  #: something of another run lies in it

    def clear(self, path: str) -> bool:
        """Remove a folder with what is in it, the deepest first; False where the budget is spent before."""
        here = self._share.get_directory_client(self._whole(path))
        looked: set[str] = set()  #: folders that are done, though they hold something of another run
        while True:
            step = _Step(self._budget)
            try:
                found = self._page(here, looked)
            except ResourceNotFoundError:
                return True
            for item in found:
                inner = f"{path}/{item.name}".lstrip("/")
                if self._budget.spent:
                    return False
                if not item.is_directory:
                    step.remove(partial(self._delete_file, inner))
                elif _is_of_another(self._whole(inner), self._folder):
                    self._kept = True
                    looked.add(item.name)
                elif not self.clear(inner):
                    return False
                else:
                    looked.add(item.name)
            step.check()
            if not found:
                return self._delete_folder(here)

    def _page(self, here: Any, looked: set[str]) -> list[Any]:
        """Some of what lies in a folder beside what is done."""
        pages = here.list_directories_and_files(results_per_page=_PAGE).by_page()
        for page in pages:
            if found := [item for item in page if item.name not in looked]:
                return found
        return []

    def _delete_folder(self, here: Any) -> bool:
        if self._budget.spent:
            return False
        self._budget.left -= 1
        try:
            here.delete_directory()
        except ResourceNotFoundError:
            pass
        except HttpResponseError as error:
            if not (self._kept and error_code(error) == "DirectoryNotEmpty"):
                raise
        return True

    def _delete_file(self, path: str) -> None:
        file = self._share.get_file_client(self._whole(path))
        try:
            file.delete_file()
        except HttpResponseError as error:
            if error_code(error) != "LeaseIdMissing":
                raise
            # Of an attempt that was lost: it holds its logs for ever.
            ShareLeaseClient(file).break_lease()
            file.delete_file()

    def _whole(self, path: str) -> str:
        return f"{self._folder}/{path}".rstrip("/")


class _ContainerFolder:
    """A folder of a container: the blobs whose names begin with it and a slash, and its own marker."""

    def __init__(self, container: ContainerClient, folder: str, budget: Budget) -> None:
        self._container, self._folder, self._budget = container, folder, budget
        self._kept = False  #: something of another run lies in it

    def clear(self) -> bool:
        """Remove its blobs; False where the budget is spent before."""
        after = ""
        while True:
            step, pages = _Step(self._budget), self._pages(after)
            try:
                names = [str(blob.name) for blob in next(pages, ())]
            except ResourceNotFoundError:
                return True  # the container is gone
            if not self._remove(self._own(names), step):
                return False
            step.check()
            if step.fault:
                continue  # a folder perhaps, that was not empty yet
            after = str(pages.continuation_token or "")
            if not after:
                return self._remove_marker()

    def _pages(self, after: str) -> Any:
        found = self._container.list_blobs(name_starts_with=f"{self._folder}/", results_per_page=_PAGE)
        return found.by_page(continuation_token=after or None)

    def _own(self, names: Sequence[str]) -> list[str]:
        own = [name for name in names if not _is_of_another(name, self._folder)]
        self._kept = self._kept or len(own) < len(names)
        return own

    def _remove(self, names: Sequence[str], step: _Step) -> bool:
        # The deepest first: with a hierarchical namespace a folder is a blob that must be empty.
        for name in sorted(names, reverse=True):
            if self._budget.spent:
                return False
            step.remove(partial(self._container.delete_blob, name, delete_snapshots="include"))
        return True

    def _remove_marker(self) -> bool:
        """Remove the empty blob by which some drivers note a folder."""
        if self._kept:
            return True
        step = _Step(self._budget)
        done = self._remove([self._folder], step)
        step.check()
        return done
