"""The function app as a module: quick to import, and its routes are those it says it has."""

import json
import os
import subprocess
import sys
from typing import Any

from api.routes import METHODS
from tests.support.rest_api import PROJECT

SCRIPT = """
import json, sys
import azure.functions
before = set(sys.modules)
import function_app
loaded = sorted(set(sys.modules) - before)
routes = []
for function in function_app.app.get_functions():
    trigger = function.get_trigger().get_dict_repr()
    if trigger["type"] == "httpTrigger":
        routes.append([trigger["route"], [str(getattr(m, "value", m)) for m in trigger["methods"]]])
print(json.dumps([loaded, routes]))
"""
TIMERS = """
import json
import function_app
found = function_app.app.get_functions()
triggers = [(f.get_function_name(), f.get_trigger().get_dict_repr()) for f in found]
print(json.dumps({name: t["schedule"] for name, t in triggers if t["type"] == "timerTrigger"}))
"""
# What the first request loads, where a key opens the account.
FIRST_REQUEST = """
import base64, json, os, sys
os.environ["BATCHAI_STORAGE"] = "UseDevelopmentStorage=true"
os.environ["BATCHAI_SEALING_KEYS"] = base64.b64encode(bytes(32)).decode()
import function_app, api.blob_drops, shared.backend, shared.settings_reader
made = shared.backend.backend(shared.settings_reader.settings_from(os.environ))
made.connection.tables, made.connection.blobs, made.connection.queues
print(json.dumps(sorted(sys.modules)))
"""
#: Packages of ours that say which functions there are; the others wait for the first request.
LIGHT = (
    "api",
    "function_app",
    "shared.arm_settings",
    "shared.environment",
    "shared.errors",
    "shared.event_settings",
    "shared.jobs",
    "shared.log_context",
    "shared.names",
    "shared.package",
    "shared.scaling",
    "shared.settings",
    "shared.settings_reader",
    "shared.storage_settings",
    "shared.sweeps",
    "shared.times",
)


def run(script: str, **env: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | env,
    )
    return json.loads(done.stdout)


def imported() -> list[Any]:
    loaded: list[Any] = run(SCRIPT)
    return loaded


def within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_importing_loads_no_package_of_others_beside_azure_functions() -> None:
    """What takes most of a second to load waits for the first request (python -m bench.imports)."""
    loaded, _ = imported()
    known = (*LIGHT, "shared", *sys.stdlib_module_names)
    ours = [module for module in loaded if module.startswith("shared.")]
    assert [module for module in loaded if not within(module, known)] == []
    assert [module for module in ours if not within(module, LIGHT)] == []
    assert "api.jobs" in loaded


def test_the_first_request_loads_only_what_it_needs() -> None:
    loaded = run(FIRST_REQUEST)
    rare = (
        "azure.identity",
        "msal",
        "azure.keyvault",
        "jsonschema",
        "yaml",
        "rich",
        "cli",
        "runner",
        "local",
    )
    assert [module for module in loaded if within(module, rare)] == []
    assert "azure.data.tables" in loaded


def test_every_route_is_listed_with_its_methods() -> None:
    _, routes = imported()
    found: dict[str, set[str]] = {}
    for route, methods in routes:
        if route in METHODS or ("{*" not in route and route != "health"):
            found.setdefault(route, set()).update(methods)
    for route, methods in METHODS.items():
        # GET of a list that is asked for with POST is for the further pages of newer clients.
        more = {"GET"} if route.rpartition("/")[2].startswith("list") else set()
        assert found.pop(route) == set(methods.split(", ")) | more
    # Elsewhere than on the local stack nothing is at these, with any method (docs/adr/0142).
    elsewhere = {"/", "console/config.json"}  # not of Resource Manager's tree
    assert {route for route in found if "Microsoft.Storage" not in route} == elsewhere


def test_the_timer_of_events_is_there_only_where_somebody_wants_them() -> None:
    sweep = {"sweep": "%BATCHAI_SWEEP_SCHEDULE%"}
    assert run(TIMERS, BATCHAI_EVENTS_URL="") == sweep
    asked = {"BATCHAI_EVENTS_URL": "https://example.com/hook", "BATCHAI_EVENTS_SECONDS": "5"}
    assert run(TIMERS, **asked) == sweep | {"send_events": "*/5 * * * * *"}
