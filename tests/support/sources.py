"""The project's own sources, read and parsed once for all tests that look at them."""

import ast
import functools
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


def tree(module: str) -> ast.Module:
    """What `module` is made of."""
    return parsed(texts()[module])
