"""Whether the settings can be read, every fault at once."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from runner.config import RunnerConfig, config_from
from runner.doctor.check import Check, failed, not_checked, ok
from shared.errors import SettingsError
from shared.settings import EVENT_GRID, POLLING, QUEUE, Settings
from shared.settings_reader import settings_from
from shared.stores.application_insights import insights_from

T = TypeVar("T")
_NAME = "settings"
_REMEDIES = {
    "BATCHAI_STORAGE": (
        'export BATCHAI_STORAGE="$(az storage account show-connection-string -n ACCOUNT '
        '--query connectionString -o tsv)"'
    ),
    "BATCHAI_SEALING_KEYS": (
        'export BATCHAI_SEALING_KEYS="$(az functionapp config appsettings list -g GROUP -n APP --query '
        '"[?name==\'BATCHAI_SEALING_KEYS\'].value" -o tsv)"'
    ),
}
#: settings of the function app alone, and what they may be
_APP = {
    "BATCHAI_HTTP_AUTH": r"(?i)anonymous|function|admin",
    "BATCHAI_HTTP_ROLES": r"(?i)off|entra",
    "BATCHAI_BLOB_SOURCE": rf"(?i){POLLING}|{EVENT_GRID}|{QUEUE}",
    "BATCHAI_SWEEP_SCHEDULE": r"(\S+\s+){5}\S+|\d+:\d\d:\d\d",
}


@dataclass(frozen=True)
class Given:
    """The runner's command line options; "" = not given."""

    cluster: str = ""
    node_id: str = ""
    root: str = ""
    gpus: str = ""


@dataclass(frozen=True)
class Read:
    """What could be read; None where there are faults, which `checks` then report."""

    settings: Settings | None
    config: RunnerConfig | None
    checks: Sequence[Check]


def read(env: Mapping[str, str], source: str, given: Given) -> Read:
    """Both sides' settings. `source` says where they come from. Raises nothing."""
    faults: list[str] = []
    settings = _tried(lambda: settings_from(env), faults)
    config = _tried(lambda: config_from(env, given.cluster, given.node_id, given.root, given.gpus), faults)
    _tried(lambda: insights_from(env), faults)
    checks = [failed(_NAME, fault, remedy(fault)) for fault in faults]
    if config is not None and not faults:
        checks = [ok(_NAME, f"from {source}; node {config.node_id} of cluster {config.cluster}")]
    elif faults:
        checks.insert(0, not_checked(f"{_NAME}: source", f"from {source}"))
    return Read(settings, config, (*checks, *app(env)))


def _tried(reading: Callable[[], T], faults: list[str]) -> T | None:
    try:
        return reading()
    except SettingsError as error:
        faults += error.faults
    except ValueError as error:  # an unclosed quote in BATCHAI_DRIVERS, for instance
        faults.append(f"a setting of the runner cannot be read: {error}")
    return None


def remedy(fault: str) -> str:
    """What mends a fault, which begins with the name of its setting or option."""
    match = re.match(r"--[\w-]+|(?:BATCHAI|APPLICATIONINSIGHTS)_\w+", fault)
    if match is None:
        return "compare the settings with docs/reference/settings.md"
    name = match.group()
    if name.startswith("--"):
        return f"give {name} as `python -m runner --help` says"
    return (
        _REMEDIES.get(name)
        or f"set {name} as docs/reference/settings.md says, for instance: export {name}=..."
    )


def app(env: Mapping[str, str]) -> list[Check]:
    """The settings that only the function app has: looked at where there are any."""
    name = "settings: function app's own"
    if not any(env.get(setting) for setting in (*_APP, "FUNCTIONS_WORKER_RUNTIME")):
        return [not_checked(name, "this is not the function app's environment")]
    faults = [
        failed(
            name,
            f"{setting} is '{env.get(setting, '')}'",
            f"set {setting} as docs/reference/settings.md says",
        )
        for setting, form in _APP.items()
        if (env.get(setting) or setting == "BATCHAI_SWEEP_SCHEDULE")
        and not re.fullmatch(form, env.get(setting, "").strip())
    ]
    return faults or [ok(name, "accepted")]
