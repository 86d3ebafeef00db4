"""`batchai job wait`: until a job has ended; exits as the job did."""

import sys
import time
from collections.abc import Callable
from typing import Any

import click

from cli.faults import INTERRUPTED, Fault
from cli.http import Api
from cli.job import jobs, one, where
from cli.job_status import ENDED, errors, exit_code, outcome, state
from cli.messages import say
from cli.options import command
from cli.retry import Retry
from cli.session import Session


class Progress:
    """Says the changes of a job's state to a person, each once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._shown = ""

    def __call__(self, job: dict[str, Any]) -> None:
        """Look at the job; a line where something has changed. Its end is not reported here."""
        line = _line(job)
        if line != self._shown and state(job) not in ENDED:
            self._say(line)
        self._shown = line


def _line(job: dict[str, Any]) -> str:
    properties = job["properties"]
    parts = [f"job {job['name']}: {state(job)}"]
    if properties.get("attempt", 0) > 1:
        parts.append(f"attempt {properties['attempt']}")
    if state(job) == "queued" and errors(job):
        parts.append(str(errors(job)[-1].get("code")))
    if waiting := properties.get("waiting"):
        parts.append(f"{waiting.get('reason')}, {waiting.get('message')}")
    return ", ".join(parts)


def wait(
    api: Api,
    path: str,
    interval: float,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """The job once it has ended. Raises Refused, NotAnswering after ten minutes without an answer."""
    progress, retry = Progress(say), Retry(say, sleep)
    while True:
        job = retry(lambda: api.get(path))
        progress(job)
        if state(job) in ENDED:
            return job
        sleep(interval)


def finish(job: dict[str, Any]) -> None:
    """Say how a job ended and exit as it did."""
    for line in outcome(job):
        say(line)
    sys.exit(exit_code(job))


def interrupted(name: str) -> Fault:
    """What Ctrl-C means to a command that only looks on."""
    return Fault(
        f"stopped looking; the job {name} continues",
        f"To stop it: batchai job terminate -n {name}",
        INTERRUPTED,
    )


@command(
    jobs,
    "wait",
    "job wait -w research -e mnist -n first && echo trained",
    one,
    *where,
    click.option(
        "--interval",
        type=click.FloatRange(0.1, 3600),
        default=15,
        show_default=True,
        help="Seconds between looks.",
    ),
)
def wait_command(session: Session, name: str, interval: float) -> None:
    """Wait until a job has ended, and exit as it did.

    Exit code: the job's; 143 for a terminated job; 125 for a job that failed without an exit code.
    """
    try:
        job = wait(session.api, session.job(name), interval, say)
    except KeyboardInterrupt:
        raise interrupted(name) from None
    finish(job)
