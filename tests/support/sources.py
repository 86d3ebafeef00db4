"""The project's own sources, read and parsed once for all tests that look at them."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGES = ("api", "cli", "local", "runner", "shared")


@functools.cache
def texts() -> dict[str, str]:
    """Module -> its source: the packages and function_app."""
    files = [PROJECT / "function_app.py", *(file for p in PACKAGES for file in PROJECT.glob(f"{p}/**/*.py"))]
    found = {}
    for file in sorted(file for file in files if "node_modules" not in file.parts):
        module = ".".join(file.relative_to(PROJECT).with_suffix("").parts)
        found[module.removesuffix(".__init__")] = file.read_text()
    return found


@functools.cache
def parsed(source: str) -> ast.Module:
    """The module of a text."""
    return ast.parse(source)


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
