"""The project's own sources, read and parsed once for all tests that look at them."""

import ast
import functools
import os
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGES = ("api", "cli", "local", "runner", "shared")


@functools.cache
def files(folder: str) -> tuple[Path, ...]:
    """Every file below a folder of the project, by name; nothing of packages of others, nothing compiled."""
    found = []
    for parent, folders, names in os.walk(PROJECT / folder):
        folders[:] = [name for name in folders if name not in ("node_modules", "__pycache__")]
        found += [Path(parent, name) for name in names]
    return tuple(sorted(found))


@functools.cache
def texts() -> dict[str, str]:
    """Module -> its source: the packages and function_app."""
    modules = [PROJECT / "function_app.py", *(file for p in PACKAGES for file in files(p))]
    found = {}
    for file in sorted(file for file in modules if file.suffix == ".py"):
        module = ".".join(file.relative_to(PROJECT).with_suffix("").parts)
        found[module.removesuffix(".__init__")] = file.read_text()
    return found


@functools.cache
def parsed(source: str) -> ast.Module:
    """The module of a text."""
    return ast.parse(source)


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Whatever `ast.walk` gives but for nodes that have nothing in them, in a third of the time
    and in any order."""
    left = [tree]
    while left:
        node = left.pop()
        yield node
        for value in vars(node).values():
            if isinstance(value, list):
                left += [each for each in value if isinstance(each, ast.AST)]
            elif isinstance(value, ast.AST) and value._fields:
                left.append(value)


def statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Every statement, wherever in a module: a tenth of what `ast.walk` gives."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        yield node
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            left += getattr(node, block, ())


def tree(module: str) -> ast.Module:
    """What `module` is made of."""
    return parsed(texts()[module])
