"""What is built of this checkout: the source distribution and the wheel; and how they are installed."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source distribution, and the wheel that was built from it."""
    tree, out = tmp_path_factory.mktemp("tree") / "checkout", tmp_path_factory.mktemp("dist")
    rubbish = shutil.ignore_patterns(".*", "node_modules", "build", "dist", "*.egg-info", "__pycache__")
    shutil.copytree(PROJECT, tree, ignore=rubbish)
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(tree)], tree)
    (source,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return source, wheel


def install(programs: Path, *what: str) -> None:
    """Install packages, at the pinned versions, into the environment whose programs lie in `programs`.
    What is imported is compiled then: most of it never is. That pip can do it is shown on a bare
    machine."""
    words = ["--no-compile", "-c", str(PROJECT / "constraints.txt"), *what]
    run([str(PROJECT / "scripts" / "install-into"), str(programs.parent), *words], programs)


def run(words: list[str], folder: Path, *codes: int, env: Mapping[str, str] | None = None) -> str:
    """Its stdout; the exit code is one of `codes`, or 0."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, env=env)
    assert done.returncode in (codes or (0,)), f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout
