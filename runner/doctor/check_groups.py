"""Groups of checks side by side, each within its time limit; none can raise, hang or show a secret."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from runner.doctor.check import Check, failed
from runner.secrets.redaction import masked


@dataclass
class Group:
    """Checks that are made together. `remedy` is for the case that they do not end, or break."""

    name: str
    seconds: float
    checks: Callable[[], Sequence[Check]]
    remedy: str = "see docs/reference/cli.md"
    found: Sequence[Check] | None = field(default=None, init=False)

    def work(self) -> None:
        """Make the checks; whatever is raised becomes a failed one."""
        try:
            self.found = self.checks()
        except Exception as error:
            self.found = (failed(self.name, f"{type(error).__name__}: {error}", self.remedy),)


def run_all(groups: Sequence[Group], secrets: Sequence[str]) -> list[Check]:
    """The checks of every group, in order, secrets struck out. Takes as long as the longest limit at most."""
    started = time.monotonic()
    # Daemons: one that hangs (a dead mount, a silent host) must not keep the program from ending.
    threads = [threading.Thread(target=group.work, name=group.name, daemon=True) for group in groups]
    for thread in threads:
        thread.start()
    report: list[Check] = []
    for group, thread in zip(groups, threads, strict=True):
        thread.join(max(0.0, started + group.seconds - time.monotonic()))
        late = failed(group.name, f"no answer within {group.seconds:g} s", group.remedy)
        report += group.found if group.found is not None else (late,)
    return [_without(check, secrets) for check in report]


def _without(check: Check, secrets: Sequence[str]) -> Check:
    # Longest first: a connection string holds its key.
    known = sorted((secret for secret in secrets if secret), key=len, reverse=True)
    return replace(check, detail=masked(check.detail, known), remedy=masked(check.remedy, known))
