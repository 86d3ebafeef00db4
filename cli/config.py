"""Where the service is and who one is there: options, environment, configuration file, local stack.

Each value is taken from the first of these that has it, and it is known from which.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.faults import Fault
from shared.names.service_urls import storage_suffix

#: The source of what is known from the stack of the current directory.
LOCAL_STACK = "local stack"
#: The scope of the local stack.
LOCAL = {
    "subscription_id": "00000000-0000-0000-0000-000000000000",
    "resource_group": "batchai",
    "workspace": "default",
    "experiment": "default",
    "location": "local",
}
#: name -> (what it is, for `batchai configure`)
NAMES = {
    "url": "address of the function app, for instance https://myapp.azurewebsites.net",
    "subscription_id": "subscription that the installation stands for",
    "resource_group": "resource group that the installation stands for (-g)",
    "workspace": "workspace where -w is left out",
    "experiment": "experiment where -e is left out",
    "location": "location of new workspaces where -l is left out",
    "function_key": "key of the function app, where it asks for one",
    "audience": "application ID URI of the function app, where it asks for an Entra sign-in",
    "output": "form of what is printed: table, json, yaml or tsv",
    "storage_account": "account that fills <AZURE_BATCHAI_STORAGE_ACCOUNT>",
    "storage_key": "its key",
}
SECRET = ("function_key", "storage_key")
_VARIABLES = {
    "storage_account": "AZURE_BATCHAI_STORAGE_ACCOUNT",
    "storage_key": "AZURE_BATCHAI_STORAGE_KEY",
}
_KEY_LINE = re.compile(r"[a-z_]+")


@dataclass(frozen=True)
class Value:
    """A value and where it came from."""

    text: str
    source: str


def variable(name: str) -> str:
    """The environment variable of a value."""
    return _VARIABLES.get(name, f"BATCHAI_{name.upper()}")


def own_cloud(environment: Mapping[str, str]) -> str:
    """The domain of the storage of the installation's cloud, where its settings stand in this environment."""
    names = ("BATCHAI_STORAGE", "BATCHAI_STORAGE__blobServiceUri")
    return storage_suffix(*(environment.get(name, "") for name in names))


def config_file(environment: Mapping[str, str]) -> Path:
    """`$XDG_CONFIG_HOME/batchai/config.toml`, else ~/.config/batchai/config.toml."""
    base = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "batchai" / "config.toml"


def read_file(path: Path) -> dict[str, str]:
    """The values of a configuration file; {} where there is none. Raises Fault for one that is wrong."""
    try:
        loaded = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Fault(f"{path} cannot be read: {error}", "Mend the file, or remove it.") from None
    wrong = [name for name, value in loaded.items() if name not in NAMES or not isinstance(value, str)]
    if wrong:
        known = ", ".join(NAMES)
        raise Fault(f"{path}: {', '.join(wrong)} is not a setting with a text value", f"Known: {known}")
    return dict(loaded)


def write_file(path: Path, values: Mapping[str, str]) -> None:
    """Write a configuration file, readable by its owner alone, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    # A JSON string of these values is a TOML string too: no control characters pass `configure`.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    draft.write_text("\n".join(["# Written by: batchai configure", *lines, ""]), "utf-8")
    draft.replace(path)


def local_stack(environment: Mapping[str, str]) -> dict[str, str]:
    """Where the stack of the current directory is, {} while none runs (`make up` starts one)."""
    state = _running_stack(environment)
    return {"url": str(state["http"]), **LOCAL} if "http" in state else {}


def stack_account(environment: Mapping[str, str]) -> str:
    """The storage account of the stack of the current directory, whose key it knows; "" while none runs."""
    found = re.search(r"(?:^|;)AccountName=([^;]+)", str(_running_stack(environment).get("files", "")))
    return found[1] if found else ""


def _running_stack(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the supervisor has written down; {} while none runs."""
    path = Path(environment.get("BATCHAI_LOCAL", ".local")) / "stack.json"
    try:
        state = json.loads(path.read_text("utf-8"))
        os.kill(int(state["pid"]), 0)
        return dict(state)
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def values(options: Mapping[str, str | None], environment: Mapping[str, str]) -> dict[str, Value]:
    """Every value that is known. Raises Fault for a configuration file that is wrong."""
    path = config_file(environment)
    found: dict[str, Value] = {}
    layers: list[tuple[Mapping[str, str | None], str]] = [
        (options, "option"),
        ({name: environment.get(variable(name)) for name in NAMES}, "environment"),
        (read_file(path), str(path)),
    ]
    for layer, source in layers:
        for name, text in layer.items():
            if text and name not in found:
                where = variable(name) if source == "environment" else source
                found[name] = Value(text, where)
    if "url" not in found:
        for name, text in local_stack(environment).items():
            found.setdefault(name, Value(text, LOCAL_STACK))
    return found
