"""scripts/install-into: by uv with pip's settings, by pip where uv is missing or fails. Stand-ins, both."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.sources import PROJECT

_PYTHON = """#!/bin/sh
[ "$*" != "-m pip config list" ] || { cat "$ROOT/config"; exit; }
echo "python $*" >> "$ROOT/calls"
"""
_UV = """#!/bin/sh
echo "uv $*" >> "$ROOT/calls"
env | grep -E '^(UV_|SSL_)' | sort > "$ROOT/settings"
[ "$1" != pip ] || exit "$UV_EXIT"
"""
_WORDS = ("--no-compile", "one==1.0")
_BY_UV = [
    "uv venv --quiet --python .venv/bin/python .venvs/x",
    "uv pip install --quiet --python .venvs/x/bin/python --no-compile one==1.0",
]
_BY_PIP = [
    "python -m venv .venvs/x",
    "python -m pip install --quiet --disable-pip-version-check --no-compile one==1.0",
]


class Checkout:
    """The script in a tree with stand-ins for Python and uv, which write down how they are called."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "scripts").mkdir()
        shutil.copy(PROJECT / "scripts" / "install-into", root / "scripts")
        self.program(".venv/bin/python", _PYTHON)
        self.program(
            ".venvs/x/bin/python", _PYTHON, 0o644
        )  # `uv venv` and `python -m venv` make it, were they real
        self.configure("")

    def program(self, name: str, text: str, mode: int = 0o755) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def configure(self, text: str) -> None:
        (self.root / "config").write_text(text)

    def install(self, uv_exit: int = 0) -> tuple[list[str], str]:
        """The calls, and what is said."""
        env = {"PATH": os.environ["PATH"], "ROOT": str(self.root), "UV_EXIT": str(uv_exit)}
        words = [str(self.root / "scripts" / "install-into"), ".venvs/x", *_WORDS]
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return (self.root / "calls").read_text().splitlines(), done.stderr

    def settings(self) -> dict[str, str]:
        """What uv is given of settings."""
        lines = (self.root / "settings").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_uv_is_given_pips_settings_those_of_the_environment_first(checkout: Checkout) -> None:
    checkout.program(".venv/bin/uv", _UV)
    checkout.configure(
        ":env:.cert='/a/ca.crt'\n:env:.find-links='\\n/a\\n/b'\n:env:.index-url='https://mine/simple'\n"
        "global.extra-index-url='\\nhttps://b\\nhttps://c'\nglobal.index-url='https://theirs/simple'\n"
        "global.require-virtualenv='true'\n"
    )
    calls, said = checkout.install()
    assert (calls, said) == (_BY_UV, "")
    settings = checkout.settings()
    assert settings["UV_DEFAULT_INDEX"] == "https://mine/simple"
    assert settings["UV_INDEX"].split() == ["https://b", "https://c"]
    assert settings["UV_INDEX_STRATEGY"] == "unsafe-best-match", "the best of all registries, as pip takes"
    assert settings["UV_FIND_LINKS"] == "/a,/b"
    assert settings["SSL_CERT_FILE"] == "/a/ca.crt"
    assert settings["UV_PYTHON_DOWNLOADS"] == "never"


def test_without_uv_pip_installs(checkout: Checkout) -> None:
    checkout.program(".venvs/x/bin/python", _PYTHON)
    assert checkout.install() == (_BY_PIP, "")


def test_where_uv_cannot_pip_does_and_it_is_said(checkout: Checkout) -> None:
    checkout.program(".venv/bin/uv", _UV)
    checkout.program(".venvs/x/bin/python", _PYTHON)
    calls, said = checkout.install(uv_exit=2)
    assert calls == [_BY_UV[1], *_BY_PIP]
    assert said == "uv could not install into .venvs/x: pip does\n"
