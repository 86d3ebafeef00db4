"""Lease File and Lease Share: the header x-ms-lease-action says what is done to the lease."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from local.files import leases, properties, shares, wire
from local.files.errors import FilesError
from local.files.leases import INFINITE, Lease
from local.files.records import SHARE, Record
from local.files.state import Answer, Call


@dataclass(frozen=True)
class _Outcome:
    status: int
    lease: Lease | None
    headers: dict[str, str]


def lease_file(call: Call) -> Answer:
    with call.emulator.locks.hold(call.target):
        entry = call.emulator.tree.file(call.target)
        record = call.emulator.record(call.target, entry)
        outcome = _act(call, record, INFINITE, INFINITE)
        # A lease is no change of the file: the ETag stays as it was.
        kept = replace(record, lease=outcome.lease, version=record.version - 1)
        call.emulator.keep(call.target, entry, kept)
        return Answer(outcome.status, {**properties.stamp(entry, record), **outcome.headers})


def lease_share(call: Call) -> Answer:
    with call.emulator.locks.hold(call.target):
        entry, record = shares.look(call.emulator, call.target)
        outcome = _act(call, record, 15, 60)
        kept = replace(record, lease=outcome.lease, version=record.version - 1)
        call.emulator.records.put(call.target.share, SHARE, entry.inode, kept)
        return Answer(outcome.status, {**properties.stamp(entry, record), **outcome.headers})


def _act(call: Call, record: Record, shortest: int, longest: int) -> _Outcome:
    action = call.headers.get("x-ms-lease-action", "").lower()
    if action == "acquire":
        return _acquire(call, record.lease, shortest, longest)
    simple: dict[str, Callable[[Call, Lease | None], _Outcome]] = {
        "renew": _renew,
        "change": _change,
        "release": _release,
        "break": _break,
    }
    if action not in simple or (action == "renew" and longest == INFINITE):
        raise FilesError("InvalidHeaderValue", f"x-ms-lease-action cannot be {action[:40]!r} here")
    return simple[action](call, record.lease)


def _acquire(call: Call, lease: Lease | None, shortest: int, longest: int) -> _Outcome:
    duration = wire.number(call.headers, "x-ms-lease-duration", INFINITE, max(longest, INFINITE))
    if duration != INFINITE and not shortest <= duration <= longest:
        raise FilesError(
            "InvalidHeaderValue", f"x-ms-lease-duration must be -1 or {shortest} to {longest} seconds"
        )
    acquired = leases.acquire(lease, call.headers.get("x-ms-proposed-lease-id", ""), duration, call.seconds)
    return _Outcome(201, acquired, {"x-ms-lease-id": acquired.id})


def _renew(call: Call, lease: Lease | None) -> _Outcome:
    renewed = leases.renew(lease, call.lease_id, call.seconds)
    return _Outcome(200, renewed, {"x-ms-lease-id": renewed.id})


def _change(call: Call, lease: Lease | None) -> _Outcome:
    proposed = call.headers.get("x-ms-proposed-lease-id", "")
    changed = leases.change(lease, call.lease_id, proposed, call.seconds)
    return _Outcome(200, changed, {"x-ms-lease-id": changed.id})


def _release(call: Call, lease: Lease | None) -> _Outcome:
    leases.release(lease, call.lease_id)
    return _Outcome(200, None, {})


def _break(call: Call, lease: Lease | None) -> _Outcome:
    has_period = "x-ms-lease-break-period" in call.headers
    period = wire.number(call.headers, "x-ms-lease-break-period", 0, 60) if has_period else None
    broken, left = leases.break_(lease, period, call.seconds, call.lease_id)
    return _Outcome(202, broken, {"x-ms-lease-time": str(left)})
