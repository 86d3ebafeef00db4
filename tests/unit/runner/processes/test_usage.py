"""What processes use, from files as the kernel writes them and from this machine's own."""

import os
from pathlib import Path

import pytest

from runner.processes import process_table
from runner.processes.usage import Usage, of_group, of_processes

CPU = "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n"
MEMORY = "anon 1000\nfile 99999\nshmem 24\n"
DISK = "8:0 rbytes=100 wbytes=7 rios=1 wios=1\n8:16 rbytes=11 wbytes=0\n253:0\n"


def test_a_group_that_the_kernel_counts(tmp_path: Path) -> None:
    for name, text in (("cpu.stat", CPU), ("memory.stat", MEMORY), ("io.stat", DISK)):
        (tmp_path / name).write_text(text)
    assert of_group(tmp_path, [os.getpid()]) == Usage(2.5, 1024, 111, 7, 1)


def test_what_a_group_does_not_count_is_summed(tmp_path: Path) -> None:
    (tmp_path / "cpu.stat").write_text(CPU)
    found = of_group(tmp_path, [os.getpid()])
    assert found is not None
    assert found.cpu_seconds == 2.5 and found.memory_bytes > 1024 * 1024


def test_a_group_without_counts_is_none(tmp_path: Path) -> None:
    assert of_group(tmp_path, []) is None
    (tmp_path / "cpu.stat").write_text("words that are no numbers\n")
    assert of_group(tmp_path, []) is None


def test_this_very_process() -> None:
    found = of_processes([os.getpid()])
    assert found.cpu_seconds > 0.1 and found.memory_bytes > 1024 * 1024
    assert found.written_bytes >= 0 and found.processes == 1


def test_one_that_is_gone_is_left_out() -> None:
    assert of_processes([2**22 + 1]) == Usage()


def test_others_processes_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    read = process_table.read

    def counted(pid: int, name: str) -> bytes:
        opened.append(pid)
        return read(pid, name)

    monkeypatch.setattr(process_table, "read", counted)
    of_processes([os.getpid()])
    assert opened == [os.getpid()] * 3, "three files of each process of the job, and no other"
    assert of_processes([]) == Usage()


def test_what_another_users_process_writes_may_be_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    read = process_table.read

    def refused(pid: int, name: str) -> bytes:
        if name == "io":
            raise PermissionError
        return read(pid, name)

    monkeypatch.setattr(process_table, "read", refused)
    found = of_processes([os.getpid()])
    assert (found.read_bytes, found.written_bytes, found.processes) == (0, 0, 1)
