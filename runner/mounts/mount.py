"""Volumes: cloud storage as a path. What chooses a driver, mounts with it and undoes the mounts.

A mount is a context manager. Leaving it undoes the mount, checks that it is gone, and never hides how the job
itself ended: see `mount_all`.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.machine.commands import stuck_children
from runner.mounts.cleanup import sweep
from runner.mounts.mount_points import lies_inside, prepare
from runner.mounts.registry import DEFAULT_ORDER, DRIVERS
from runner.mounts.types import (
    Driver,
    MountContext,
    MountedVolume,
    UnmountError,
    Volume,
)
from runner.secrets.redaction import masked
from shared.errors import MountError
from shared.names.paths import TakenFolders
from shared.telemetry.names import SpanName
from shared.telemetry.tracing import stage

__all__ = ["choose", "mount_all", "mount_volume", "stuck_children", "sweep"]


@dataclass(frozen=True)
class _Open:
    mounted: MountedVolume
    manager: AbstractContextManager[MountedVolume]


@contextmanager
def mount_volume(volume: Volume, root: Path, context: MountContext) -> Iterator[MountedVolume]:
    """One volume at root/relative_mount_path; see `mount_all`."""
    with mount_all((volume,), root, context) as mounted:
        yield mounted[0]


@contextmanager
def mount_all(
    volumes: Sequence[Volume], root: Path, context: MountContext
) -> Iterator[tuple[MountedVolume, ...]]:
    """Mount in order; undo in reverse, all of them, also when a later mount or the body fails.

    Raises MountError when a volume cannot be mounted. When an undo fails: UnmountError if the body ended
    well; otherwise the body's own exception is raised with a note, and `context.on_undo_failure` was called.
    """
    _refuse_overlaps(volumes)
    opened: list[_Open] = []
    failure: BaseException | None = None
    try:
        for volume in volumes:
            opened.append(_open(volume, root, context))
        yield tuple(one.mounted for one in opened)
    except BaseException as error:
        failure = error
        raise
    finally:
        _close(opened, context, failure)


def _refuse_overlaps(volumes: Sequence[Volume]) -> None:
    """No volume inside another, nor two at one path: the second would be written into the first."""
    taken = TakenFolders()
    for volume in volumes:
        if fault := taken.take(volume.relative_mount_path):
            raise MountError(
                volume.code,
                f"{volume} is not mounted: '{volume.relative_mount_path}' {fault}.",
                "Give every volume a relativeMountPath of its own.",
            )


def choose(volume: Volume, context: MountContext) -> tuple[Driver, str]:
    """The driver for a volume and, for the log, why the ones before it were not taken. Raises MountError."""
    reasons: list[str] = []
    for name in context.drivers.get(volume.kind, DEFAULT_ORDER.get(volume.kind, ())):
        driver = DRIVERS.get(name)
        reason = f"there is no such driver; there are {', '.join(DRIVERS)}" if driver is None else None
        if driver is not None:
            reason = driver.available(volume, context)
            if reason is None:
                return driver, "; ".join(reasons)
        reasons.append(f"{name}: {reason}")
    raise MountError(
        volume.code,
        f"this machine has no way to mount {volume}: {'; '.join(reasons) or 'no driver is configured'}.",
        "Install one of the tools named, or ask the operator of the runner.",
    )


def _open(volume: Volume, root: Path, context: MountContext) -> _Open:
    driver, why = choose(volume, context)
    target = prepare(volume, root)
    context.say(f"mounting {volume} at {target} with {driver.NAME}{f' ({why})' if why else ''}")
    manager = driver.mount(volume, target, context)
    try:
        with stage(SpanName.MOUNT, **_about(volume), driver=driver.NAME):
            opened = _Open(manager.__enter__(), manager)
    except MountError:
        raise
    except Exception as error:
        words = masked(f"{type(error).__name__}: {error}", volume.secrets)
        raise MountError(volume.code, f"{driver.NAME} could not mount {volume}: {words}") from error
    if not lies_inside(target, root):
        # Between the making of its folders and the mount somebody has put a link on the way.
        _close_one(opened, context)
        raise MountError(volume.code, f"{volume} was not mounted inside {root}: {target} leads out of it.")
    return opened


def _about(volume: Volume) -> dict[str, str]:
    """What telemetry says of it: neither its server nor its account."""
    return {"volume": volume.kind, "folder": volume.relative_mount_path}


def _close(opened: Sequence[_Open], context: MountContext, failure: BaseException | None) -> None:
    faults = [fault for one in reversed(opened) if (fault := _close_one(one, context)) is not None]
    if not faults:
        return
    if failure is not None:
        for fault in faults:
            failure.add_note(f"and afterwards: {fault}")
        return
    if len(faults) == 1:
        raise faults[0]
    raise UnmountError(faults[0].code, " ".join(str(fault) for fault in faults))


def _close_one(one: _Open, context: MountContext) -> MountError | None:
    """Undo one volume; the driver is never shown the body's exception, so it cannot swallow or replace it."""
    volume = one.mounted.volume
    fault: MountError | None = None
    try:
        with stage(SpanName.UNMOUNT, **_about(volume)):
            one.manager.__exit__(None, None, None)
    except MountError as error:
        fault = error
    except Exception as error:
        words = masked(f"{type(error).__name__}: {error}", volume.secrets)
        fault = UnmountError(volume.code, f"{volume} could not be undone: {words}")
    if fault is None:
        context.say(f"{volume} is no longer mounted at {one.mounted.target}")
        return None
    context.say(str(fault))
    if context.on_undo_failure is not None:
        context.on_undo_failure(fault)
    return fault
