"""How a command ends that did not work: one line of what, one of what to do, and an exit code."""

from collections.abc import Sequence
from typing import IO, Any

import click

ERROR = 1
USAGE = 2
NOT_FOUND = 3
UNREACHABLE = 4
NOT_ALLOWED = 5
#: The job failed without an exit code of its own: a volume could not be mounted, its runner was lost.
JOB_WITHOUT_EXIT_CODE = 125
INTERRUPTED = 130
#: What a shell says of a process that SIGTERM ended.
JOB_TERMINATED = 143


class Fault(click.ClickException):
    """An end with `message` (what), `hint` (what to do), lines of `details` and an exit code."""

    def __init__(
        self, message: str, hint: str = "", exit_code: int = ERROR, details: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.exit_code = exit_code  # type: ignore[misc]  # click has one per class
        self.details = tuple(details)

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it to standard error."""
        click.echo(f"batchai: {self.message}", file=file, err=True)
        for line in self.details:
            click.echo(f"  {line}", file=file, err=True)
        if self.hint:
            click.echo(f"  -> {self.hint}", file=file, err=True)


class NotAnswering(Fault):
    """The service could not be reached, or answered that it cannot at the moment. Trying again may help."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint, UNREACHABLE)


class Refused(Fault):
    """The service answered no. `status` and `code` are those of the answer."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str = "",
        details: Sequence[str] = (),
    ) -> None:
        exit_code = NOT_FOUND if status == 404 else NOT_ALLOWED if status in (401, 403) else ERROR
        super().__init__(message, hint, exit_code, details)
        self.status = status
        self.code = code
