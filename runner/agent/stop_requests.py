"""Why this node is to stop working on jobs: a drain, an announced end of its machine, a smaller cluster."""

import json
import threading

from runner.machine.scheduled_events import MachineEvent
from runner.processes.stop_signal import StopReason, StopSignal

#: Why a job is handed back, for people.
_STOPPED = "The runner was stopped"
_RESIZED = "The cluster was resized, and this node is none of it any more"


class StopRequests:
    """Requests come from any thread and return at once. The job under way hears of them by the signal that
    `begin` made for it.

    A request that lets the job under way finish (`finish`) sets no signal, only what the loop asks before it
    takes another job.
    """

    def __init__(self) -> None:
        self.draining = threading.Event()  #: take no further job, and leave
        self.machine_event: MachineEvent | None = None  #: announced and not withdrawn
        self.notice = ""  #: what the job learns of it, JSON
        self.why = _STOPPED  #: the job is handed back, for people
        self._signal: StopSignal | None = None
        self._asked = self._marked = False

    def finish(self) -> None:
        """Take no other job than the one under way, and leave (SIGUSR1). Cannot be withdrawn."""
        self._asked = True

    def mark(self, marked: bool) -> None:
        """As `finish`, until the mark in the node's row is taken away."""
        self._marked = marked

    @property
    def finishing(self) -> bool:
        """Whether the runner leaves once the job under way has ended."""
        return self._asked or self._marked

    @property
    def takes_none(self) -> bool:
        """Whether the loop takes no further job."""
        return self.draining.is_set() or self.finishing

    def drain(self) -> None:
        """Hand the job under way back, take no other."""
        self.draining.set()
        self._stop(StopReason.DRAIN)

    def evict(self, event: MachineEvent) -> None:
        """The machine is about to be taken away: inform the job, hand it back, take no other meanwhile."""
        self.machine_event, self.why = event, f"The machine is taken away: {event}"
        self.notice = json.dumps(event.as_json())
        self._stop(StopReason.EVICTED)

    def withdraw(self) -> None:
        """The machine stays."""
        self.machine_event, self.why = None, _STOPPED

    def resize(self) -> None:
        """The cluster is to have fewer nodes, this one not among them: hand the job under way back."""
        if self._signal:
            self.why = _RESIZED
            self._stop(StopReason.DRAIN)

    def begin(self, *, resized: bool) -> StopSignal:
        """The signal of the job that begins now, set already where it must not run. `resized`: whether jobs
        of this node are to be handed back."""
        self.notice = ""
        self._signal = stop = StopSignal()
        if self.draining.is_set():
            stop.set(StopReason.DRAIN)
        elif event := self.machine_event:
            self.notice = json.dumps(event.as_json())
            stop.set(StopReason.EVICTED)
        elif resized:
            self.why = _RESIZED
            stop.set(StopReason.DRAIN)
        return stop

    def end(self) -> None:
        """The node works on no job any more."""
        self._signal = None
        if not self.machine_event:
            self.why = _STOPPED

    def _stop(self, reason: StopReason) -> None:
        if signal := self._signal:
            signal.set(reason)
