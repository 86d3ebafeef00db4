"""Watching something for a long time: a service that is away for a while is waited for."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from cli.faults import NotAnswering

T = TypeVar("T")
#: A function app that is deployed anew, or a laptop that changes its network, is back by then.
_MOST_SECONDS = 600.0


@dataclass
class Retry:
    """Repeats calls that fail with NotAnswering, for ten minutes without any answer at most."""

    say: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _since: float | None = field(default=None, init=False)

    def __call__(self, call: Callable[[], T]) -> T:
        """The answer of `call`. Raises what it raises, NotAnswering only after ten minutes."""
        while True:
            try:
                answer = call()
            except NotAnswering as fault:
                self._wait(fault)
                continue
            if self._since is not None:
                self.say("the service answers again")
                self._since = None
            return answer

    def _wait(self, fault: NotAnswering) -> None:
        now = self.clock()
        if self._since is None:
            self._since = now
            self.say(f"{fault.message}; trying again for {_MOST_SECONDS / 60:.0f} minutes")
        elif now - self._since > _MOST_SECONDS:
            raise fault
        self.sleep(1.0)
