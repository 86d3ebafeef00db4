"""What stands behind a virtual machine: a program on this machine."""

from collections.abc import Mapping
from typing import Protocol


class Machine(Protocol):
    """The program of one virtual machine that is on."""

    @property
    def is_off(self) -> bool:
        """Whether its program has ended for good."""

    def keep_up(self) -> None:
        """Start the program again where it ended by itself and a machine's service manager would."""

    def shut_down(self) -> None:
        """Ask the program to end, as a machine does that is shut down. Returns at once."""

    def power_off(self) -> None:
        """End the program at once, with all that it started."""


class Machines(Protocol):
    """Where machines come from. One thread makes all calls; it lives as long as the process."""

    @property
    def available(self) -> int:
        """How many can be on at once."""

    def start(self, name: str, tags: Mapping[str, str], environment: Mapping[str, str]) -> Machine:
        """Switch on the machine whose resource is called `name`, of a scale set with these `tags`.
        `environment`: what belongs to it alone, beside what all are given. Raises OSError."""
