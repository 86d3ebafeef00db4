"""How a sweep changes: the only place that makes a changed Sweep. PURE.

running --all runs ended--> succeeded | failed
   |  \\--too many failed, terminate--> terminating --no run lives--> failed | terminated
failed | terminated --rerun--> running
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from shared.errors import IllegalTransitionError
from shared.sweeps import bits
from shared.sweeps.model import RunResult, Sweep, SweepState, Why


def reserve(sweep: Sweep, most: int) -> Sweep:
    """The sweep with up to `most` more runs reserved, as many as may run at once; nothing is reserved while
    earlier ones have no job yet, or for a sweep that does not go on."""
    if sweep.state is not SweepState.RUNNING or sweep.made < sweep.reserved:
        return sweep
    left = sweep.todo.bit_count() - sweep.reserved
    space = left if sweep.max_concurrent is None else sweep.max_concurrent - len(sweep.in_flight)
    more = max(0, min(most, left, space))
    return replace(sweep, reserved=sweep.reserved + more) if more else sweep


def confirm(sweep: Sweep) -> Sweep:
    """Every reserved run has its job, or has failed to get one."""
    return replace(sweep, made=sweep.reserved)


def count_ends(sweep: Sweep, results: Collection[RunResult]) -> Sweep:
    """The sweep with the ends of some runs; what had ended already stays as it was."""
    new = [r for r in results if r.number in sweep.in_flight]
    if not new:
        return sweep
    ended = sweep.ended | bits.of(r.number for r in new)
    failed = sweep.failed | bits.of(r.number for r in new if r.failed)
    return replace(sweep, ended=ended, failed=failed)


def settle(sweep: Sweep, now: datetime) -> Sweep:
    """The sweep in the state that its runs mean."""
    if sweep.state is SweepState.RUNNING:
        failures = (sweep.failed & sweep.todo).bit_count()
        if sweep.max_failures is not None and failures >= sweep.max_failures and not _all_ended(sweep):
            sweep = _in(sweep, SweepState.TERMINATING, now, Why.TOO_MANY_FAILED)
        elif _all_ended(sweep):
            return _in(sweep, SweepState.FAILED if sweep.failed else SweepState.SUCCEEDED, now)
    if sweep.state is SweepState.TERMINATING and sweep.made == sweep.reserved and not sweep.in_flight:
        asked = sweep.why is Why.ASKED
        return _in(sweep, SweepState.TERMINATED if asked else SweepState.FAILED, now, sweep.why)
    return sweep


def request_termination(sweep: Sweep, now: datetime) -> Sweep:
    """The sweep as asked to end; one that has ended, or is ending, stays as it is."""
    if sweep.state is not SweepState.RUNNING:
        return sweep
    return _in(sweep, SweepState.TERMINATING, now, Why.ASKED)


def request_deletion(sweep: Sweep, now: datetime) -> Sweep:
    """The sweep as asked to go: it ends first."""
    return replace(request_termination(sweep, now), deleting=True)


def rerun(sweep: Sweep, now: datetime) -> Sweep:
    """An ended sweep whose failed runs, and those that were never made, are done once more.

    Raises IllegalTransitionError for one that has not ended, is being deleted, or has nothing to do again.
    """
    if sweep.state.live or sweep.deleting:
        shown = "being deleted" if sweep.deleting else str(sweep.state)
        raise IllegalTransitionError(f"the sweep {sweep.id} is {shown}; only one that has ended runs again")
    again = bits.all_of(sweep.count) & ~(sweep.ended & ~sweep.failed)
    if not again:
        raise IllegalTransitionError(f"every run of the sweep {sweep.id} has succeeded")
    return replace(
        _in(sweep, SweepState.RUNNING, now),
        generation=sweep.generation + 1,
        todo=again,
        reserved=0,
        made=0,
        ended=sweep.ended & ~again,
        failed=sweep.failed & ~again,
    )


def _all_ended(sweep: Sweep) -> bool:
    return sweep.made == sweep.todo.bit_count() and not sweep.in_flight


def _in(sweep: Sweep, state: SweepState, now: datetime, why: Why = Why.NOTHING) -> Sweep:
    return replace(sweep, state=state, state_since=now, why=why)
