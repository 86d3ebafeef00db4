"""Any other file system: a command from the document, run as root with the target appended.

Because a document then commands the machine, it works only for commands that begin with a prefix the operator
allowed, word by word; no shell is involved. After `mount -t TYPE ...` only a source and harmless options may
follow, so that an allowed prefix cannot be turned into another kind of mount.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runner.machine.commands import find_program
from runner.mounts.drivers import kernel_mounts
from runner.mounts.types import UNMANAGED, MountContext, MountedVolume, Volume
from shared.errors import MountError

NAME = "unmanaged"
#: Options of mount(8) that change what is mounted or what its files may do on this machine.
_REFUSED = re.compile(
    r"^(suid|dev|exec|bind|rbind|move|remount|loop|offset|sizelimit|users?|owner|group|defaults|helper|uhelper"
    r"|context|fscontext|defcontext|rootcontext|X-mount\..*|x-.*)$"
)


def available(volume: Volume, context: MountContext) -> str | None:
    """Always: whether the command is allowed is a matter of the document, answered by `mount`."""
    return None if volume.kind == UNMANAGED else "it serves unmanaged file systems only"


@contextmanager
def mount(volume: Volume, target: Path, context: MountContext) -> Iterator[MountedVolume]:
    """Whatever the command mounts, at `target`."""
    line = command(volume, target, context.allowed_mount_commands)
    with kernel_mounts.mounted(volume, target, context, driver=NAME, command=line, port=0) as here:
        yield here


def command(volume: Volume, target: Path, allowed: Sequence[str]) -> list[str]:
    """The command line. Raises MountError where the operator has not allowed it."""
    try:
        words = shlex.split(volume.mount_command)
    except ValueError as error:
        raise MountError(volume.code, f"mountCommand cannot be read: {error}.") from None
    prefix = next((p for one in allowed if (p := shlex.split(one)) and words[: len(p)] == p), None)
    if prefix is None:
        raise MountError(
            volume.code,
            f"mountCommand {volume.mount_command[:200]!r} is not allowed here: it would run as root.",
            "Ask the operator of the runner to allow its beginning (setting for unmanaged mount commands"
            + (
                f"; allowed now: {', '.join(repr(one) for one in allowed)})."
                if allowed
                else "; none is allowed)."
            ),
        )
    if Path(words[0]).name == "mount":
        _check_mount_arguments(volume, words[len(prefix) :])
    program = words[0] if "/" in words[0] else find_program(words[0])
    if program is None:
        raise MountError(volume.code, f"{words[0]!r} is not installed on this machine.")
    return [program, *words[1:], str(target)]


def _check_mount_arguments(volume: Volume, words: Sequence[str]) -> None:
    """One source, and -o options that change nothing on this machine; no second -t, no --bind."""
    sources = 0
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word == "-o" and position < len(words):
            _check_options(volume, words[position])
            position += 1
        elif word.startswith("-"):
            raise _refusal(volume, word)
        else:
            sources += 1
    if sources > 1:
        raise _refusal(volume, words[-1])


def _check_options(volume: Volume, text: str) -> None:
    for option in text.split(","):
        if _REFUSED.match(option.partition("=")[0].strip()):
            raise _refusal(volume, option)


def _refusal(volume: Volume, word: str) -> MountError:
    return MountError(
        volume.code,
        f"mountCommand {volume.mount_command[:200]!r} is not allowed: {word!r} may not follow its prefix.",
        "After the allowed prefix only a source and harmless '-o' options may follow.",
    )
