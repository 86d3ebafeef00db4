"""The timer that sends events, beside the one of the sweep: a slow receiver holds up nothing else."""

import logging

import azure.functions as func

from api.wired import backend

log = logging.getLogger(__name__)


def blueprint(seconds: int) -> func.Blueprint:
    """The timer's function, every so many seconds. It is there only where somebody wants events."""
    bp = func.Blueprint()

    @bp.timer_trigger(arg_name="timer", schedule=f"*/{seconds} * * * * *")
    def send_events(timer: func.TimerRequest) -> None:
        """Send events that wait in the outbox."""
        report = backend().events.sender.turn()
        if report.sent:
            log.info("events sent: %s", report.sent, extra={"action": "events"})

    return bp
