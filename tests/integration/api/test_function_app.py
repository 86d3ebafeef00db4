"""The function app as a module: quick to import, and its routes are those it says it has."""

import json
import subprocess
import sys
from typing import Any

from api.routes import METHODS
from tests.support.rest_api import PROJECT

SCRIPT = """
import json, sys
import function_app
wanted = ("azure.storage.blob", "azure.data.tables", "azure.identity", "pydantic", "cryptography")
slow = [m for m in wanted if m in sys.modules]
routes = []
for function in function_app.app.get_functions():
    trigger = function.get_trigger().get_dict_repr()
    if trigger["type"] == "httpTrigger":
        routes.append([trigger["route"], [str(getattr(m, "value", m)) for m in trigger["methods"]]])
print(json.dumps([slow, routes]))
"""


def imported() -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    loaded: list[Any] = json.loads(done.stdout)
    return loaded


def test_importing_loads_no_sdk() -> None:
    """What takes most of a second to load waits for the first request."""
    slow, _ = imported()
    assert slow == []


def test_every_route_is_listed_with_its_methods() -> None:
    _, routes = imported()
    found: dict[str, set[str]] = {}
    for route, methods in routes:
        if "{*" not in route and route != "health":
            found.setdefault(route, set()).update(methods)
    for route, methods in METHODS.items():
        # GET of a list that is asked for with POST is for the further pages of newer clients.
        more = {"GET"} if route.rpartition("/")[2].startswith("list") else set()
        assert found.pop(route) == set(methods.split(", ")) | more
    # Elsewhere than on the local stack nothing is at these, with any method (docs/adr/0142).
    assert not [route for route in found if "Microsoft.Storage" not in route]
