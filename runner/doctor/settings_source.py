"""Where the settings come from: the environment, else the local stack that runs in this directory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

_NEEDED = (
    "BATCHAI_STORAGE",
    "BATCHAI_STORAGE__accountName",
    "BATCHAI_STORAGE__blobServiceUri",
    "BATCHAI_SEALING_KEYS",
    "BATCHAI_SEALING_KEYS_SECRET",
)


@dataclass(frozen=True)
class SettingsSource:
    """Settings as variables, and where they were found, in words."""

    env: Mapping[str, str] = field(repr=False)
    source: str


def settings_source(env: Mapping[str, str]) -> SettingsSource:
    """The environment's settings; where it has none, those of the running local stack (`BATCHAI_LOCAL`)."""
    if any(env.get(name) for name in _NEEDED):
        return SettingsSource(env, "the environment")
    directory = Path(env.get("BATCHAI_LOCAL", ".local")).absolute()
    try:
        state = json.loads((directory / "stack.json").read_text("utf-8"))
        if not _runs(state):
            return SettingsSource(env, "the environment (the local stack is not running)")
        key = (directory / "sealing.key").read_text().strip()
        return SettingsSource(
            {**stack_settings(state, key, directory), **env}, f"the local stack, {directory}"
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return SettingsSource(env, "the environment (no local stack runs in this directory)")


def _runs(state: Mapping[str, Any]) -> bool:
    try:
        return abs(psutil.Process(int(state["pid"])).create_time() - float(state["started"])) < 1.0
    except psutil.Error:
        return False


def stack_settings(state: Mapping[str, Any], sealing_key: str, directory: Path) -> dict[str, str]:
    """What the stack's runners are given, as it wrote it into stack.json. Raises KeyError where it has
    not."""
    message = {str(name): str(value) for name, value in state["runner"].items()}
    return message | {"BATCHAI_SEALING_KEYS": sealing_key, "BATCHAI_NODE_ROOT": str(directory / "nodes")}
