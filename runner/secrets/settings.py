"""What the runner's own settings hold that must never be printed."""

import os
from collections.abc import Mapping

#: The variable that marks the runner's own programs: without it one would be taken for an orphan of a job,
#: and killed (process_tracker.py).
RUNNER_MARK = "BATCHAI_RUNNER_MARK"
_SECRET = (
    "BATCHAI_STORAGE",
    "BATCHAI_SEALING_KEYS",
    "AZURE_BATCHAI_STORAGE_KEY",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
)


def without_settings(env: Mapping[str, str]) -> dict[str, str]:
    """`env` for a program of the runner's that has no business with its settings, keys among them."""
    ours = ("BATCHAI_", "AZURE_", "APPLICATIONINSIGHTS_", "OTEL_")
    return {name: value for name, value in env.items() if not name.startswith(ours) or name == RUNNER_MARK}


def for_others() -> dict[str, str]:
    """The environment of a program that becomes a job's user, who can then read it in /proc: the way to
    programs, and nothing else of ours, the runner's mark included."""
    return {"PATH": os.environ.get("PATH", os.defpath)}


def parts_of(connection_string: str) -> dict[str, str]:
    """A connection string as a dict; values may hold '='."""
    pairs = (part.partition("=") for part in connection_string.split(";") if part)
    return {name.strip(): value for name, _, value in pairs}


def secrets_in(env: Mapping[str, str]) -> tuple[str, ...]:
    """Everything in the settings that must never be printed."""
    whole = [env.get(name, "") for name in _SECRET]
    storage = {name.lower(): value for name, value in parts_of(whole[0]).items()}
    inner = [storage.get("accountkey", ""), storage.get("sharedaccesssignature", "")]
    # Of the receiver of telemetry: name=value,name=value.
    headers = [env[name] for name in env if name.startswith("OTEL_") and name.endswith("_HEADERS")]
    inner += [part.partition("=")[2] for text in headers for part in text.split(",")]
    return tuple(s for s in (*whole, *inner, *headers, *whole[1].split(",")) if len(s) > 3)
