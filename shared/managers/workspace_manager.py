"""WorkspaceManager: the gate to workspaces, experiments and file servers."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.errors import ConflictError, NotFoundError
from shared.managers.conflict_retry import overtaken_by, until_written
from shared.names.ids import name_in
from shared.settings import Settings
from shared.stores.workspace_table import Deletion, Kind, Row, WorkspaceTable

#: Seconds for which an experiment that was found is taken to be still there.
_CACHE_SECONDS = 30.0
_WORDS = {Kind.WORKSPACE: "workspace", Kind.EXPERIMENT: "experiment", Kind.FILE_SERVER: "file server"}
_CODES = {Kind.WORKSPACE: "Workspace", Kind.EXPERIMENT: "Experiment", Kind.FILE_SERVER: "FileServer"}


class WorkspaceManager:
    """Makes, finds and marks what jobs and clusters lie in. Thread-safe. `workspace` is as in shared.names:
    named with its resource group where that is not the installation's own."""

    def __init__(self, settings: Settings, table: WorkspaceTable, now: Callable[[], datetime]) -> None:
        self._table = table
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}
        self._locations: dict[str, tuple[float, str]] = {}

    def get(self, kind: Kind, workspace: str, name: str) -> Row:
        """A workspace, experiment or file server. Raises NotFoundError."""
        row = self._table.get(kind, workspace, name)
        if row is None:
            code = f"{_CODES[kind]}NotFound"
            raise NotFoundError(f"The specified {_WORDS[kind]} {name_in(name)} is not found", code)
        return self._noted(row)

    def workspace(self, name: str) -> Row:
        """A workspace. Raises NotFoundError."""
        return self.get(Kind.WORKSPACE, name, name)

    def experiment(self, workspace: str, name: str) -> Row:
        """An experiment. Raises NotFoundError."""
        return self.get(Kind.EXPERIMENT, workspace, name)

    def file_server(self, workspace: str, name: str) -> Row:
        """A file server. Raises NotFoundError."""
        return self.get(Kind.FILE_SERVER, workspace, name)

    def location(self, workspace: str) -> str:
        """Where a workspace is: it cannot move, so what was read less than 30 s ago is believed. The
        installation's location for one that is gone."""
        key = workspace.lower()
        with self._lock:
            known = self._locations.get(key)
        if known and time.monotonic() - known[0] < _CACHE_SECONDS:
            return known[1]
        row = self._table.get(Kind.WORKSPACE, workspace, workspace)
        return self._noted(row).detail["location"] if row else self._settings.location

    def _noted(self, row: Row) -> Row:
        if row.kind is Kind.WORKSPACE:
            with self._lock:
                self._locations[row.name.lower()] = (time.monotonic(), row.detail["location"])
        return row

    def list_workspaces(self, group: str | None = None, after: str = "", most: int = 1000) -> list[Row]:
        """Workspaces of a resource group ("" for the installation's own, None for all that are served) by
        name: `most` of them, after the workspace `after`; so are the other lists, after a name."""
        if group is None and not self._settings.scope.any_group:
            group = ""
        return self._table.list_workspaces(group, after, most)

    def list_experiments(self, workspace: str, after: str = "", most: int = 1000) -> list[Row]:
        """Experiments of a workspace."""
        return self._table.list_rows(Kind.EXPERIMENT, workspace, after, most)

    def list_file_servers(self, workspace: str, after: str = "", most: int = 1000) -> list[Row]:
        """File servers of a workspace."""
        return self._table.list_rows(Kind.FILE_SERVER, workspace, after, most)

    def require(self, workspace: str, experiment: str = "") -> tuple[str, str]:
        """The names of a workspace and an experiment (or "") that exist, as they were first written.

        Raises NotFoundError, or ConflictError while one of them is being deleted.
        """
        row = _open(self.get(Kind.WORKSPACE, workspace, workspace))
        if not experiment:
            return row.name, ""
        return row.name, _open(self.get(Kind.EXPERIMENT, workspace, experiment)).name

    def ensure(self, workspace: str, experiment: str = "") -> None:
        """Make a workspace and an experiment where they are missing, as a drop does.

        What was there less than 30 s ago costs no call. Raises ConflictError while it is being deleted.
        """
        key = f"{workspace}/{experiment}".lower()
        with self._lock:
            seen = self._seen.get(key)
        if seen is not None and time.monotonic() - seen < _CACHE_SECONDS:
            return
        # An experiment that is there shows that its workspace is: one read instead of two. A job that slips
        # into a workspace whose deletion has just begun is deleted with it.
        if not (experiment and self._is_open(Kind.EXPERIMENT, workspace, experiment)):
            self._ensure(Kind.WORKSPACE, workspace, workspace, {"location": self._settings.location})
            if experiment:
                self._make(Kind.EXPERIMENT, workspace, experiment, {})
        with self._lock:
            self._seen[key] = time.monotonic()

    def _is_open(self, kind: Kind, workspace: str, name: str) -> bool:
        """Whether it is there. Raises ConflictError while it is being deleted."""
        found = self._table.get(kind, workspace, name)
        return found is not None and bool(_open(found))

    def _ensure(self, kind: Kind, workspace: str, name: str, detail: Mapping[str, Any]) -> Row:
        found = self._table.get(kind, workspace, name)
        return self._make(kind, workspace, name, detail) if found is None else _open(found)

    def _make(self, kind: Kind, workspace: str, name: str, detail: Mapping[str, Any]) -> Row:
        try:
            return self._table.insert(Row(kind, workspace, name, self._now(), detail))
        except ConflictError:
            return _open(self.get(kind, workspace, name))  # somebody else was faster

    def put_workspace(self, name: str, location: str, tags: Mapping[str, str] | None) -> Row:
        """Make a workspace, or give an existing one other tags. Raises ConflictError for another location."""
        detail = {"location": location, **({"tags": dict(tags)} if tags else {})}
        row = self._ensure(Kind.WORKSPACE, name, name, detail)
        if row.detail["location"] != location:
            raise ConflictError(
                f"The workspace '{name_in(row.name)}' already exists in location '{row.detail['location']}'. "
                f"A workspace with the same name cannot be created in location '{location}'.",
                "InvalidResourceLocation",
            )
        return row if tags is None else self.put_tags(name, tags)

    def put_tags(self, name: str, tags: Mapping[str, str]) -> Row:
        """Replace the tags of a workspace. Raises NotFoundError, ConflictError."""

        def tagged(row: Row) -> Row:
            rest = {key: value for key, value in row.detail.items() if key != "tags"}
            return replace(_open(row), detail=rest | ({"tags": dict(tags)} if tags else {}))

        return self._change(Kind.WORKSPACE, name, name, tagged)

    def put_experiment(self, workspace: str, name: str) -> Row:
        """Make an experiment; an existing one stays as it is. Raises NotFoundError, ConflictError."""
        workspace, _ = self.require(workspace)
        return self._ensure(Kind.EXPERIMENT, workspace, name, {})

    def put_file_server(self, workspace: str, name: str, detail: Mapping[str, Any]) -> Row:
        """Make a file server, or write over what is known of it. Raises NotFoundError, ConflictError."""
        workspace, _ = self.require(workspace)
        row = self._ensure(Kind.FILE_SERVER, workspace, name, detail)
        if row.detail == detail:
            return row
        return self._change(Kind.FILE_SERVER, workspace, name, lambda r: replace(r, detail=detail))

    def begin_deletion(self, kind: Kind, workspace: str, name: str) -> Row:
        """Mark for deletion: from now on nothing new is taken in. Raises NotFoundError."""
        found = self.get(kind, workspace, name)
        self._table.begin_deletion(deletion_of(found))
        marked = self._change(kind, workspace, name, lambda row: replace(row, deleting=True))
        self._forget(workspace, name)
        return marked

    def end_deletion(self, row: Row) -> None:
        """Remove a row in which nothing lies any more."""
        self._table.delete(row)
        self._table.end_deletion(deletion_of(row))
        self._forget(row.workspace, row.name)

    def find(self, kind: Kind, workspace: str, name: str) -> Row | None:
        """The row, or None."""
        return self._table.get(kind, workspace, name)

    def list_rows(self, kind: Kind, workspace: str) -> list[Row]:
        """The experiments or file servers of a workspace by name."""
        return self._table.list_rows(kind, workspace)

    def deletions(self) -> list[tuple[Deletion, float]]:
        """Deletions under way, with the seconds since each was noted last, by the service's clock."""
        return self._table.list_deletions()

    def note_deletion(self, deletion: Deletion) -> None:
        """Note a deletion, so that it is finished even if whoever asked for it is gone."""
        self._table.begin_deletion(deletion)

    def close_deletion(self, deletion: Deletion) -> None:
        """Forget a deletion that is finished; a missing one is fine."""
        self._table.end_deletion(deletion)

    def _change(self, kind: Kind, workspace: str, name: str, change: Callable[[Row], Row]) -> Row:
        def write() -> Row:
            found = self.get(kind, workspace, name)
            wanted = change(found)
            if wanted == found:
                return found
            with overtaken_by():
                return self._table.update(wanted)

        return until_written(write, f"{_WORDS[kind]} {name}")

    def _forget(self, workspace: str, name: str) -> None:
        prefix = f"{workspace}/".lower()
        with self._lock:
            self._seen = {key: at for key, at in self._seen.items() if not key.startswith(prefix)}


def deletion_of(row: Row) -> Deletion:
    """The deletion of a workspace, experiment or file server."""
    return Deletion(row.kind, row.workspace, row.name, identity=row.identity)


def _open(row: Row) -> Row:
    if row.deleting:
        code = f"{_CODES[row.kind]}BeingDeleted"
        raise ConflictError(
            f"The {_WORDS[row.kind]} {name_in(row.name)} is being deleted; wait for its end", code
        )
    return row
