"""The machines of the demo's cluster, as they come and go: what the scaler decided, in its own words."""

import time
from contextlib import suppress

from rich.console import Console

from local import environment
from local.layout import DataDirectory, StackState
from shared.backend import backend
from shared.errors import StoreError
from shared.names.ids import ClusterId
from shared.settings_reader import settings_from

#: Idle for as long as it takes, asked to leave, deleted: each seen by a sweep.
_EMPTY_SECONDS = 90.0
_NOTHING_NEW = "cluster stays at"


class MachinesWatch:
    """Prints each decision once."""

    def __init__(
        self, console: Console, directory: DataDirectory, state: StackState, cluster: ClusterId
    ) -> None:
        variables = {
            "BATCHAI_STORAGE": state.storage,
            "BATCHAI_SEALING_KEYS": environment.sealing_key(directory),
        }
        if state.arm:
            variables |= environment.arm_settings(directory, state.arm, 1)
        self._backend = backend(settings_from(variables))
        self._console = console
        self._cluster = cluster
        before = self._backend.scaler.state(cluster)
        self._reported = before.sentence if before else ""

    def show(self) -> int:
        """Print what was decided since the last time; how many machines there are."""
        state = self._backend.scaler.state(self._cluster)
        if state is None:
            return 0
        if state.sentence != self._reported:
            self._reported = state.sentence
            if not self._reported.startswith(_NOTHING_NEW):
                self._console.print(f"   [magenta]{self._reported}[/magenta]")
        return len(state.machines)

    def await_none(self) -> None:
        """Print until the last machine is gone. The stack may be set to keep some: not for ever."""
        deadline = time.monotonic() + _EMPTY_SECONDS
        with suppress(StoreError):
            while self.show() and time.monotonic() < deadline:
                time.sleep(0.25)

    def close(self) -> None:
        self._backend.close()
