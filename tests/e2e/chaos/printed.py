"""What jobs print, and whether their log files on the share hold exactly that: every byte once, as sealed."""

import hashlib
from pathlib import Path

from shared.jobs.model import Job, StreamSeal

_LINES = 400
_NAME = "stdout.txt"


def command(job: str, half: int) -> str:
    """Shell text that prints the first or the second half (1, 2) of an attempt's lines."""
    first = (half - 1) * _LINES // 2 + 1
    return f'seq -f "{job} $AZ_BATCHAI_ATTEMPT %g" {first} {first + _LINES // 2 - 1}'


def expected(job: str, attempt: int) -> bytes:
    """All that an attempt prints which comes to its end."""
    return b"".join(f"{job} {attempt} {line}\n".encode() for line in range(1, _LINES + 1))


def torn(job: Job, folder: Path) -> list[str]:
    """What is wrong with the stdout of a job that has succeeded; `folder` holds its log files."""
    name = job.id.job
    faults = _sealed(job, folder / _NAME, expected(name, job.attempt))
    for path in sorted(folder.glob("stdout.attempt-*.txt")):
        # A file grows before it is filled: zeros are what a lost runner did not come to send.
        found = path.read_bytes().rstrip(b"\0")
        if not any(expected(name, attempt).startswith(found) for attempt in range(1, job.attempt)):
            faults.append(f"{path.name} is no beginning of what an attempt printed: {_shown(found)}")
    return [f"{name}: {fault}" for fault in faults]


def _sealed(job: Job, path: Path, printed: bytes) -> list[str]:
    found = path.read_bytes() if path.exists() else b""
    faults = (
        []
        if found == printed
        else [f"{path.name} is not what attempt {job.attempt} printed: {_shown(found)}"]
    )
    whole = StreamSeal(path.name, len(printed), hashlib.sha256(printed).hexdigest(), True, _LINES)
    seals = [seal for seal in job.seals if seal.name == path.name]
    return faults if seals == [whole] else [*faults, f"sealed as {seals}"]


def _shown(data: bytes) -> str:
    return f"{len(data)} bytes, {data[:60]!r} ... {data[-60:]!r}"
