"""Which functions host to start: Core Tools where they are installed, else the thin stand-in."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path


def is_thin(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the stand-in is used: `func` is not on PATH, or BATCHAI_HOST=thin asks for it."""
    env = os.environ if environment is None else environment
    return env.get("BATCHAI_HOST", "").lower() == "thin" or shutil.which("func", path=env.get("PATH")) is None


def host_command(
    app_dir: Path,
    port: int,
    *,
    settings: Path | None = None,
    poll_seconds: float = 1.0,
    blob_changes: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """The command that serves the app on 127.0.0.1:`port`; start it with the same `environment`.

    `settings`, `poll_seconds` and `blob_changes` (what Azurite says of blobs) reach the stand-in only:
    `func` reads local.settings.json in the app's
    directory and polls every ten seconds, so a caller that wants one behaviour puts its settings into the
    environment, which wins in both. The stand-in needs this project's root as working directory, or the
    project installed.
    """
    env = os.environ if environment is None else environment
    if not is_thin(env):
        func = shutil.which("func", path=env.get("PATH"))
        assert func is not None
        return [func, "start", "--script-root", str(app_dir), "--port", str(port)]
    command = [sys.executable, "-m", "local.host", "--app", str(app_dir), "--port", str(port)]
    if settings is not None:
        command += ["--settings", str(settings)]
    if blob_changes is not None:
        command += ["--blob-changes", str(blob_changes)]
    return [*command, "--poll-seconds", str(poll_seconds)]
