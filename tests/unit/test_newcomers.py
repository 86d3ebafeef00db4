"""What somebody new may add stands in few places: a toolkit, a driver, a reason, an operation, a verb.

What a module names is read from its code; its comments and docstrings may name anything.
"""

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from api.routes import METHODS
from runner.mounts.registry import DRIVERS
from shared.documents.models.toolkits import TOOL_TYPES
from shared.jobs.waiting_reason import WaitingReason
from tests.support.cases import cases
from tests.support.sources import nodes, texts, tree

#: Beside its tests.
MOST_FILES = 3


def _docstrings(parsed: ast.Module) -> set[int]:
    bodies = (n.body for n in nodes(parsed) if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef))
    return {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}


@functools.cache
def _words(module: str) -> frozenset[str]:
    """Every name and every text of a module's code."""
    return frozenset(_words_of(tree(module)))


def _words_of(parsed: ast.Module) -> Iterator[str]:
    docstrings = _docstrings(parsed)
    for node in nodes(parsed):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def naming(word: str, more: str = "") -> set[str]:
    """The modules in whose code a name or a text is `word`, whatever its case, or `word` and then `more`."""
    wanted = re.compile(f"(?i){re.escape(word)}({more})?")
    maybe = [module for module, text in texts().items() if word.lower() in text.lower()]
    return {module for module in maybe if any(wanted.fullmatch(found) for found in _words(module))}


@pytest.mark.parametrize("tool_type", ["chainer", "horovod"])
def test_a_plain_toolkit_is_its_settings_its_launch_and_its_line(tool_type: str) -> None:
    """One with a rule of its own has it in documents/rules/toolkits.py; one whose processes have a log each
    is named by what says of these."""
    attribute = next(name for name, known in TOOL_TYPES.items() if known == tool_type)
    camel = attribute.removesuffix("_settings")
    found = naming(camel, "_?settings")
    expected = {"documents.models.toolkits", f"launch.{tool_type}", "launch.planning"}
    assert found == {f"shared.{module}" for module in expected}
    assert len(found) <= MOST_FILES


def test_drivers_are_chosen_by_the_registry_only() -> None:
    drivers = {str(driver.__name__) for driver in DRIVERS.values()}  # type: ignore[attr-defined]
    outside = {
        module
        for module, text in texts().items()
        if "runner.mounts.drivers" in text and not module.startswith("runner.mounts.drivers.")
        for node in nodes(tree(module))
        if isinstance(node, ast.ImportFrom)
        and ({f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}) & drivers
    }
    assert outside == {"runner.mounts.registry"}


@cases("reason", WaitingReason)
def test_a_reason_is_named_where_it_is_decided(reason: WaitingReason) -> None:
    assert naming(reason.name) | naming(reason) == {"shared.jobs.waiting_reason"}


def _decorated(package: str, decorator: str) -> Iterator[tuple[str, ast.Call]]:
    """(module, call) of every decorator of that name in a package."""
    for module in texts():
        for node in nodes(tree(module)) if module.startswith(f"{package}.") else ():
            if isinstance(node, ast.FunctionDef):
                calls = (each for each in node.decorator_list if isinstance(each, ast.Call))
                yield from ((module, call) for call in calls if ast.unparse(call.func) == decorator)


def test_an_operation_is_served_once() -> None:
    """Its route is listed in api/routes.py (tests/integration/api/test_function_app.py compares the two)."""
    served = [ast.unparse(call) for _, call in _decorated("api", "bp.route")]
    assert len(served) > len(METHODS)
    assert not [each for each, times in Counter(served).items() if times > 1]


@pytest.mark.parametrize(
    ("verb", "modules"),
    [
        ("terminate", {"cli.job", "cli.sweep"}),  # one for each thing that can be
        ("auto-scale", {"cli.cluster"}),
        ("undrain", {"cli.cluster_node"}),
        ("resize", {"cli.cluster"}),
    ],
)
def test_a_verb_of_a_command_stands_in_one_module(verb: str, modules: set[str]) -> None:
    assert {found for found in naming(verb) if found.startswith("cli.")} == modules
