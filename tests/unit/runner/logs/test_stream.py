"""How far a stream has come, over real files."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.logs.stream import OpenFile, Stream


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "metrics.jsonl"
    path.touch()
    return path


@pytest.fixture
def file(path: Path) -> Iterator[OpenFile]:
    opened = OpenFile(os.open(path, os.O_RDONLY))
    yield opened
    opened.close()


def stands(stream: Stream) -> tuple[bool, bool]:
    """(its file is to be made or was, nothing is left to send)."""
    return stream.ready, stream.over


def carried(stream: Stream, most: int = 1 << 20) -> bytes:
    """The next piece, arrived."""
    stream.started = True
    stream.take(most)
    data = stream.piece
    stream.arrived()
    stream.piece = b""
    return data


def test_a_stream_that_waits_is_over_while_nothing_is_written(path: Path, file: OpenFile) -> None:
    stream = Stream("metrics.jsonl", file, waits=True)
    assert stands(stream) == (False, True)
    path.write_bytes(b"x\n")
    assert stands(stream) == (True, False)
    assert carried(stream) == b"x\n"
    assert stands(stream) == (True, True)
    assert stream.seal.complete
    assert (stream.seal.size, stream.seal.lines) == (2, 1)


def test_what_a_job_puts_in_the_files_place_is_not_carried(path: Path, file: OpenFile) -> None:
    stream = Stream("metrics.jsonl", file)
    path.write_bytes(b"mine")
    path.unlink()
    path.symlink_to("/etc/hostname")
    assert carried(stream) == b"mine"


def test_a_file_that_its_writer_begins_anew_is_carried_on(path: Path, file: OpenFile) -> None:
    stream = Stream("metrics.jsonl", file)
    path.write_bytes(b"first\n")
    carried(stream)
    path.write_bytes(b"2nd\n")
    assert carried(stream) == b"2nd\n"
    assert stream.sent == 10 and stream.over


def test_no_more_than_the_most_is_carried_and_the_seal_says_so(path: Path, file: OpenFile) -> None:
    stream = Stream("metrics.jsonl", file, most=5)
    path.write_bytes(b"1234567")
    assert carried(stream, 3) == b"123"
    assert stands(stream) == (True, False)
    assert carried(stream, 3) == b"45"
    assert stands(stream) == (True, True)
    assert not stream.seal.complete


def test_bytes_that_are_gone_are_not_taken_for_sent(path: Path, file: OpenFile) -> None:
    stream = Stream("stdout.txt", file, waits=True)
    path.write_bytes(b"123")
    file.close()
    assert stands(stream) == (True, False)
    assert not stream.whole
    with pytest.raises(OSError, match="Bad file descriptor"):
        stream.take(1)


def test_a_closed_file_is_closed_once(file: OpenFile) -> None:
    file.close()
    file.close()
    assert not Stream("metrics.jsonl", file).whole
