"""Hold the Bicep files of a folder together where no Bicep compiler is at hand: `check_infra.py infra`.

Finds files that cannot be parsed, resources the parser lost, names that nothing declares, declarations that
nothing uses, modules that are missing or get other parameters than they declare, and outputs that a module
does not have.

It knows no Azure types: `az bicep build`, which `make infra` runs where `az` is, is the judge.
Exit code 1 where something was found; the findings are printed, one a line.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pycep import BicepParser

_COMMENT = re.compile(r"^\s*//.*$|\s//\s.*$", re.MULTILINE)
#: Where a literal ends, or code begins in it.
_END = re.compile(r"(?<!\\)(?:'|\$\{)")
_DECLARED = re.compile(r"^(param|var|resource|module|output)\s+(\w+)", re.MULTILINE)
_RESOURCE = re.compile(r"^\s*resource\s+(\w+)\s", re.MULTILINE)
_LOOP = re.compile(r"\bfor\s+(?:\(\s*(\w+)\s*,\s*(\w+)\s*\)|(\w+))\s+in\b")
#: The list of a loop stands before a colon, like a key.
_LIST = re.compile(r"\bin\s+(\w+)\s*:")
_OUTPUT = re.compile(r"\b(\w+)\.outputs\.(\w+)")
#: A name that is a value: no member (after a dot), no key (before a colon), no function (before a bracket).
_NAME = re.compile(r"(?<![\w.?$@])([A-Za-z_]\w*)(?!\w|\s*\(|:(?!:))")
_WORDS = frozenset(
    "param var resource module output existing targetScope if for in true false null".split()  # noqa: SIM905
)
_TYPES = frozenset(["string", "int", "bool", "array", "object"])


def findings(folder: Path) -> list[str]:
    """What is wrong with the files of `folder`, each with its file."""
    out = []
    for file in sorted(folder.rglob("*.bicep")):
        try:
            parsed(file)
        except Exception as error:  # the parser's own exceptions have no common base
            out.append(f"{file}: cannot be parsed: {str(error)[:200]}")
            continue
        out += [f"{file}: {wrong}" for check in (_lost, _names, _modules) for wrong in check(file)]
    return out


def parsed(file: Path) -> dict[str, Any]:
    """The parser's tree of a file. Raises whatever the parser raises."""
    return _tree(file.read_text("utf-8"))


@cache
def _parser() -> BicepParser:
    """Making one takes longer than most files."""
    return BicepParser()


@cache
def _tree(text: str) -> dict[str, Any]:
    return dict(_parser().parse(text=text))


def _lost(file: Path) -> Iterator[str]:
    known = parsed(file).get("resources", {})
    for name in _RESOURCE.findall(file.read_text("utf-8")):
        if name not in known:
            yield f"resource {name}: the parser lost it; declare it at the top level with parent:"


def _code(text: str) -> str:
    """`text` without comments and literals; what literals interpolate stays, as they may hold others."""
    code, depths, position = [], [0], 0  # braces open in the code at hand, and in that around each literal
    text = _COMMENT.sub("", text)
    while position < len(text):
        here = text[position]
        if here == "'" or (here == "}" and depths[-1] == 0 and len(depths) > 1):
            if here == "}":
                depths.pop()
            end = _END.search(text, position + 1)
            assert end, "a literal has no end, which the parser would have refused"
            code.append(" , ")
            depths += [0] if end[0] == "${" else []
            position = end.end()
            continue
        depths[-1] += {"{": 1, "}": -1}.get(here, 0)
        code.append(here)
        position += 1
    return "".join(code)


def _names(file: Path) -> Iterator[str]:
    code = _LIST.sub(r"in \1 ", _code(file.read_text("utf-8")))
    kinds = {name: kind for kind, name in _DECLARED.findall(code)}
    loops = {name for found in _LOOP.findall(code) for name in found if name}
    heads = re.sub(r"^(param|var|resource|module|output)\s+\w+", "", code, flags=re.MULTILINE)
    used = set(_NAME.findall(heads)) - _WORDS - _TYPES
    for name in sorted(used - set(kinds) - loops - {"subscription"}):
        yield f"{name}: nothing declares it"
    for name, kind in kinds.items():
        if kind in ("param", "var") and name not in used:
            yield f"{kind} {name}: nothing uses it"


def _modules(file: Path) -> Iterator[str]:
    tree = parsed(file)
    for name, module in tree.get("modules", {}).items():
        target = file.parent / module["detail"]["path"]
        if not target.is_file():
            yield f"module {name}: there is no {target}"
            continue
        wanted = parsed(target)
        yield from _parameters(name, given_to(module), wanted.get("parameters", {}))
        has = set(wanted.get("outputs", {}))
        for of, output in _OUTPUT.findall(file.read_text("utf-8")):
            if of == name and output not in has:
                yield f"module {name}: it has no output {output}"


def given_to(module: dict[str, Any]) -> dict[str, Any]:
    """The parameters that a module is given, whether or not it stands in a loop or behind a condition."""
    body = module["config"]
    while "params" not in body and "config" in body:
        body = body["config"]
    return dict(body.get("params", {}))


def _parameters(name: str, given: dict[str, Any], declared: dict[str, Any]) -> Iterator[str]:
    for parameter in sorted(given.keys() - declared.keys()):
        yield f"module {name}: it has no parameter {parameter}"
    for parameter, about in declared.items():
        if about["default"] is None and parameter not in given:
            yield f"module {name}: parameter {parameter} is missing"


def main() -> int:
    """Check the folder that the command line names."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "infra")
    files = len(list(folder.rglob("*.bicep")))
    out = findings(folder)
    print(*out, f"{folder}: {files} files, {len(out)} findings", sep="\n")
    return 1 if out or not files else 0


if __name__ == "__main__":
    sys.exit(main())
