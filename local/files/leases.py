"""Leases of files and shares: a value and the five things one can do to it. PURE.

Files know infinite leases only, shares also 15 to 60 seconds. Times are seconds since the epoch.
Source: "Lease File" and "Lease Share" of the Azure Storage reference.
"""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from local.files.errors import FilesError

INFINITE = -1


@dataclass(frozen=True)
class Lease:
    """One lease. `ends` is when it expires (None: never); `broken_from` is when a break takes effect."""

    id: str
    duration: int = INFINITE
    ends: float | None = None
    broken_from: float | None = None

    def state(self, now: float) -> str:
        """leased, breaking, broken or expired."""
        if self.broken_from is not None:
            return "breaking" if now < self.broken_from else "broken"
        return "leased" if self.ends is None or now < self.ends else "expired"

    def holds(self, now: float) -> bool:
        """Whether writers must still show the id."""
        return self.state(now) in ("leased", "breaking")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(data: Mapping[str, Any] | None) -> Lease | None:
    return Lease(**data) if data else None


def acquire(lease: Lease | None, proposed: str, duration: int, now: float) -> Lease:
    """A fresh lease, or the same one again where the holder asks again."""
    if lease and lease.holds(now):
        if lease.state(now) == "breaking":
            raise FilesError("LeaseIsBreakingAndCannotBeAcquired")
        if not proposed or proposed.lower() != lease.id:
            raise FilesError("LeaseAlreadyPresent")
    return _started(Lease(lease_id(proposed) if proposed else str(uuid.uuid4())), duration, now)


def renew(lease: Lease | None, given: str, now: float) -> Lease:
    held = _own(lease, given)
    if held.broken_from is not None:
        raise FilesError("LeaseIsBrokenAndCannotBeRenewed")
    return _started(held, held.duration, now)


def change(lease: Lease | None, given: str, proposed: str, now: float) -> Lease:
    """The lease under the id `proposed`; repeating a change that was made already is fine."""
    if lease is None or not lease.holds(now):
        raise FilesError("LeaseNotPresentWithLeaseOperation")
    if lease.state(now) == "breaking":
        raise FilesError("LeaseIsBreakingAndCannotBeChanged")
    if lease.id != proposed.lower():
        _own(lease, given)
    return replace(lease, id=lease_id(proposed))


def release(lease: Lease | None, given: str) -> None:
    """Checks that `given` may release the lease; afterwards there is none."""
    _own(lease, given)


def break_(lease: Lease | None, period: int | None, now: float, given: str = "") -> tuple[Lease, int]:
    """The lease, broken in `period` seconds (None: at its end, an infinite one now), and the seconds left."""
    if lease is None:
        raise FilesError("LeaseNotPresentWithLeaseOperation")
    if given:
        _own(lease, given)
    if not lease.holds(now):
        return replace(lease, broken_from=lease.broken_from if lease.broken_from is not None else now), 0
    ends = lease.broken_from if lease.broken_from is not None else lease.ends
    left = (ends - now) if ends is not None else 0.0
    if period is not None:
        left = min(period, left) if ends is not None else period
    return replace(lease, broken_from=now + left), max(0, round(left))


def check_write(lease: Lease | None, given: str, now: float) -> None:
    """Raises FilesError unless a writer that shows `given` ("" for none) may write now."""
    if lease is None:
        if given:
            raise FilesError("LeaseNotPresentWithFileOperation")
        return
    if lease.holds(now):
        if not given:
            raise FilesError("LeaseIdMissing")
        if given.lower() != lease.id:
            raise FilesError("LeaseIdMismatchWithFileOperation")
    elif given:
        raise FilesError("LeaseLost")


def check_read(lease: Lease | None, given: str, now: float) -> None:
    """Readers need no id; one that shows an id wants an error when it is not the holder's."""
    if given:
        check_write(lease, given, now)


def lease_id(text: str) -> str:
    """`text` as a lease id in its usual form. Raises FilesError(InvalidHeaderValue) where it is no GUID."""
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise FilesError("InvalidHeaderValue", f"the lease id {text[:60]!r} is not a GUID") from error


def _started(lease: Lease, duration: int, now: float) -> Lease:
    ends = None if duration == INFINITE else now + duration
    return replace(lease, duration=duration, ends=ends, broken_from=None)


def _own(lease: Lease | None, given: str) -> Lease:
    if lease is None:
        raise FilesError("LeaseNotPresentWithLeaseOperation")
    if given.lower() != lease.id:
        raise FilesError("LeaseIdMismatchWithLeaseOperation")
    return lease
