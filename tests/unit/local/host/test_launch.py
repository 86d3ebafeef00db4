"""local.host.launch: Core Tools or the stand-in."""

import sys
from pathlib import Path

import pytest

from local.host.launch import host_command, is_thin


@pytest.fixture
def func_on_path(tmp_path: Path) -> dict[str, str]:
    binary = tmp_path / "func"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    return {"PATH": str(tmp_path)}


def test_takes_core_tools_where_they_are(func_on_path: dict[str, str], tmp_path: Path) -> None:
    command = host_command(Path("/app"), 7071, environment=func_on_path)
    assert command == [str(tmp_path / "func"), "start", "--script-root", "/app", "--port", "7071"]


def test_the_stand_in_can_be_asked_for(func_on_path: dict[str, str]) -> None:
    environment = func_on_path | {"BATCHAI_HOST": "thin"}
    assert is_thin(environment)
    assert host_command(Path("/app"), 7071, environment=environment)[:3] == [
        sys.executable,
        "-m",
        "local.host",
    ]


def test_the_stand_in_without_core_tools(tmp_path: Path) -> None:
    command = host_command(
        Path("/app"), 0, settings=Path("s.json"), poll_seconds=0.5, environment={"PATH": str(tmp_path)}
    )
    expected = ["--app", "/app", "--port", "0", "--settings", "s.json", "--poll-seconds", "0.5"]
    assert command == [sys.executable, "-m", "local.host", *expected]
