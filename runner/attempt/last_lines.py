"""How long the end of an attempt waits for the last lines of its logs."""

import time
from collections.abc import Callable

from runner.logs.shipper import Until
from runner.processes.stop_signal import StopSignal

#: A renewal that takes longer says that storage was away; what was held up by less arrives in as much.
_ANSWER_SECONDS = 1.0
#: How long is waited for it.
_RENEWAL_SECONDS = 60.0


def drain_until(
    stop: StopSignal,
    renewed_since: Callable[[float], float],
    monotonic: Callable[[], float] = time.monotonic,
) -> Until:
    """`stop.drain_until`, and once more that long where storage was away when it was over: the end of the
    attempt cannot be written before storage is back either, and lines may have waited for the lease.

    `renewed_since` asks for a renewal of the lease, and returns when it was renewed after the given moment,
    0.0 until then (monotonic seconds).
    """
    asked = renewed = 0.0  # the first renewal after it was asked for: others follow

    def until(begun: float) -> float:
        nonlocal asked, renewed
        end, now = stop.drain_until(begun), monotonic()
        if end <= begun or now < end:
            return end
        asked = asked or now
        renewed = renewed or renewed_since(asked)
        if renewed:
            was_away = renewed > asked + _ANSWER_SECONDS
            return stop.drain_until(renewed) if was_away else renewed + _ANSWER_SECONDS
        return min(now, asked + _RENEWAL_SECONDS) + 1.0

    return until
