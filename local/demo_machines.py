"""The machines of the demo's cluster, as they come and go: what the scaler decided, in its own words."""

import time
from contextlib import suppress

from rich.console import Console

from local import environment
from local.layout import DataDirectory, StackState
from shared.errors import StoreError
from shared.names.ids import ClusterId
from shared.settings import settings_from
from shared.stores.connection import Connection
from shared.stores.scaling_table import ScalingTable

#: Idle for as long as it takes, told to leave, deleted: each seen by a sweep.
_EMPTY_SECONDS = 90.0
_NOTHING_NEW = "cluster stays at"


class MachinesWatch:
    """Prints each decision once."""

    def __init__(
        self, console: Console, directory: DataDirectory, state: StackState, cluster: ClusterId
    ) -> None:
        told = {"BATCHAI_STORAGE": state.storage, "BATCHAI_SEALING_KEYS": environment.sealing_key(directory)}
        self._connection = Connection(settings_from(told))
        self._table = ScalingTable(self._connection)
        self._console = console
        self._cluster = cluster
        self._come_and_go = bool(state.arm)
        self._told = ""
        if self._come_and_go and (row := self._table.get(cluster)[0]):
            self._told = row.state.sentence

    def tell(self) -> int:
        """Print what was decided since the last time; how many machines there are."""
        row = self._table.get(self._cluster)[0] if self._come_and_go else None
        if row is None:
            return 0
        if row.state.sentence != self._told:
            self._told = row.state.sentence
            if not self._told.startswith(_NOTHING_NEW):
                self._console.print(f"   [magenta]{self._told}[/magenta]")
        return len(row.state.machines)

    def await_none(self) -> None:
        """Print until the last machine is gone. The stack may be told to keep some: not for ever."""
        deadline = time.monotonic() + _EMPTY_SECONDS
        with suppress(StoreError):
            while self.tell() and time.monotonic() < deadline:
                time.sleep(0.25)

    def close(self) -> None:
        self._connection.close()
