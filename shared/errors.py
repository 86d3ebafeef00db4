"""The exception tree and `Problem`, the one form in which a fault in a document is reported.

BatchAIError
├── DocumentError          a document of the user cannot be accepted; carries every Problem
├── SettingsError          the installation's settings are wrong; carries every fault
├── ConflictError          the name is taken by something that is still alive
├── RequestError           a request asks for something that cannot be
├── IllegalTransitionError a state change the protocol forbids
├── StoreError             storage did not do what was asked; trying again may help
│   ├── NewerVersionError  what lies there is in the form of a later version of this program
│   ├── NotFoundError      no such job, cluster, ...; or a queue or table of the installation is missing
│   ├── ThrottledError     a service asks to be left alone for a while
│   ├── PoolSilentError    the cloud that gives machines does not answer
│   └── LostOwnershipError a conditional write found somebody else's mark: stop, it is no longer yours
├── PoolRefusedError       the cloud gives no machines, in its own words
├── SecretError            a Key Vault secret cannot be had, and asking again would not help
├── MountError             a volume could not be mounted (the original's code in `code`)
└── LaunchError            a process of the job could not be started
"""

from dataclasses import dataclass
from enum import StrEnum


class BatchAIError(Exception):
    """Base of every error this project raises on purpose."""


class Severity(StrEnum):
    """How much a Problem weighs."""

    ERROR = "error"  #: the document cannot run
    WARNING = "warning"  #: it runs, but probably not as meant (the original was silent)
    NOTE = "note"  #: it was read in an older or looser spelling; nothing to worry about


@dataclass(frozen=True, order=True)
class Problem:
    """One fault in a document, reported so that its writer can mend it.

    `line` and `column` count from 1 and point into the text as dropped; 0 means "not in the text"
    (a value that is missing altogether points at the object that should hold it).
    No field ever holds a secret value.
    """

    line: int
    column: int
    path: str  #: JSON path, e.g. "$.properties.nodeCount"
    message: str  #: what is wrong
    hint: str = ""  #: what would be right
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}: " if self.line else ""
        return f"{where}{self.path}: {self.message}{f' {self.hint}' if self.hint else ''}"

    def as_json(self) -> dict[str, str | int]:
        """The form used in status.json, in HTTP answers and by `-o json`."""
        out: dict[str, str | int] = {"severity": str(self.severity), "path": self.path}
        if self.line:
            out |= {"line": self.line, "column": self.column}
        out["message"] = self.message
        if self.hint:
            out["hint"] = self.hint
        return out


class DocumentError(BatchAIError):
    """A document cannot be accepted. `problems` holds every fault found, errors and warnings alike."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(p) for p in problems))


class SettingsError(BatchAIError):
    """Settings are missing or wrong. `faults` names each one and what would be right."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


class StoreError(BatchAIError):
    """Storage did not do what was asked; trying again may help."""


class BeingRemovedError(StoreError):
    """The service still removes what had this name."""


class NewerVersionError(StoreError):
    """What lies there was written in the form of a later version: it is for that version's own."""


class LockedError(StoreError):
    """Somebody holds a lock (a lease of the storage service) on what was to be written."""


class UnreadableError(StoreError):
    """A row or message that this version cannot read: it is left as it is."""


class NotFoundError(StoreError):
    """The named resource does not exist. `code` is the REST error code of a resource of ours, "" where it is
    part of the installation itself (a table, a container) that is missing."""

    def __init__(self, message: str, code: str = "") -> None:
        self.code = code
        super().__init__(message)


class ConflictError(BatchAIError):
    """The name belongs to something that is still alive. `code` as in NotFoundError."""

    def __init__(self, message: str, code: str = "") -> None:
        self.code = code
        super().__init__(message)


class RequestError(BatchAIError):
    """A request asks for something that cannot be. `code` is the error code of the REST API."""

    def __init__(self, message: str, code: str) -> None:
        self.code = code
        super().__init__(message)


class IllegalTransitionError(BatchAIError):
    """A state change that the protocol forbids."""


class LostOwnershipError(StoreError):
    """A conditional write found somebody else's mark: stop, it is no longer yours."""


class ThrottledError(StoreError):
    """A service asks to be left alone for `seconds`."""

    def __init__(self, message: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(message)


class PoolSilentError(StoreError):
    """The cloud that gives machines cannot be reached, or answers with a fault of its own."""


class PoolRefusedError(BatchAIError):
    """The cloud gives no machines (quota, capacity, a right that is missing). `code` and the message are its
    own words."""

    def __init__(self, message: str, code: str) -> None:
        self.code = code
        super().__init__(message)


class SecretError(BatchAIError):
    """A secret in a Key Vault cannot be had, and asking again would not help. Says which one, what the vault
    answered and what would mend it; never a value."""


class MountError(BatchAIError):
    """A volume could not be mounted or unmounted.

    `code` is the original service's error code (AZFMountError, BFSMountError, ...), the message says what
    was tried and what the tool answered, `hint` the likely fix. `transient`: it may work in a while with
    nothing mended (a server that does not answer), so it is tried again. Never holds a secret.
    """

    def __init__(self, code: str, message: str, hint: str = "", transient: bool = False) -> None:
        self.code = code
        self.hint = hint
        self.transient = transient
        super().__init__(f"{message}{f' {hint}' if hint else ''}")


class LaunchError(BatchAIError):
    """A process of the job could not be started."""
