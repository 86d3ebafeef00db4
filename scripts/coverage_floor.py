"""Hold every package to its floor of coverage (pyproject.toml, [tool.batchai.coverage]); show them all.

    python scripts/coverage_floor.py branches unit.json    branches of the pure packages, by the unit tests
    python scripts/coverage_floor.py lines all.json        lines of every other package, by all tests

The files are what `coverage json` writes. Exit code 1 where a package is below its floor, where it is so far
above that the floor holds nothing any more, or where a package or its floor is missing.
docs/adr/0255-coverage-floors.md
"""

import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
#: What is measured -> the members of a file's summary that count what is reached and what there is.
_COUNTS = {"branches": ("covered_branches", "num_branches"), "lines": ("covered_lines", "num_statements")}
#: Points by which a floor may lie below what is reached before it holds nothing. Lines of what runs in
#: processes of its own differ more from run to run.
SLACK = {"branches": 2.0, "lines": 6.0}
#: Files shown of a package that is below its floor, the worst first.
_MOST_FILES = 5


@dataclass
class Measured:
    """A package: what there is, what was reached, and what is missing by file."""

    reached: int = 0
    there: int = 0
    missing: dict[str, int] = field(default_factory=dict)

    @property
    def percent(self) -> float:
        """100 where there is nothing to reach."""
        return 100.0 * self.reached / self.there if self.there else 100.0

    def add(self, name: str, reached: int, there: int) -> None:
        self.reached += reached
        self.there += there
        if reached < there:
            self.missing[name] = there - reached


def floors_in(text: str) -> dict[str, dict[str, int]]:
    """The floors of a pyproject.toml: "branches" and "lines" -> package or module -> whole percent."""
    found: dict[str, dict[str, int]] = tomllib.loads(text)["tool"]["batchai"]["coverage"]
    return found


def holder_of(module: str, names: Sequence[str]) -> str | None:
    """Which of `names` counts a module: itself, else the package it lies in."""
    package = module.rpartition(".")[0]
    return next((name for name in (module, package) if name in names), None)


def module_of(path: str) -> str:
    """The module of a file: "shared/jobs/__init__.py" is "shared.jobs.__init__", a member of its package."""
    return path.removesuffix(".py").replace("\\", "/").replace("/", ".")


def measured(
    report: Mapping[str, Any], kind: str, floors: Mapping[str, Mapping[str, int]]
) -> dict[str, Measured]:
    """What a report of `coverage json` says of each package of `kind`; packages without a floor count as
    lines, under their own name."""
    found = {name: Measured() for name in floors[kind]}
    names = [name for names in floors.values() for name in names]
    reached, there = _COUNTS[kind]
    for path, file in report["files"].items():
        module = module_of(path)
        name = holder_of(module, names) or (module.rpartition(".")[0] or module)
        if name in floors[kind] or (kind == "lines" and name not in names):
            summary = file["summary"]
            found.setdefault(name, Measured()).add(path, summary[reached], summary[there])
    return found


def fault(name: str, found: Measured, floor: int | None, kind: str, seen: bool) -> str | None:
    """What is wrong with a package, in words that say what to do; None where nothing is."""
    now = int(found.percent)
    if floor is None:
        return f'no floor: write "{name}" = {now} below [tool.batchai.coverage.{kind}]'
    if not seen:
        return "nothing of it was measured: remove the floor, or measure it"
    if found.percent < floor:
        worst = sorted(found.missing.items(), key=lambda item: -item[1])[:_MOST_FILES]
        files = ", ".join(f"{path} ({count})" for path, count in worst)
        return f"below its floor of {floor} %: test what was added, or remove what is not used: {files}"
    if found.percent > floor + SLACK[kind]:
        return f'{floor} % holds nothing any more: write "{name}" = {now}'
    return None


def table(
    found: Mapping[str, Measured], floors: Mapping[str, int], kind: str, report: Mapping[str, Any]
) -> list[str]:
    """The lines to print; those of packages with a fault begin with `!`."""
    modules = {module_of(path) for path in report["files"]}
    lines = [f"  {'package':34} {kind:>12} {'percent':>8} {'floor':>6}"]
    for name, package in sorted(found.items()):
        seen = any(holder_of(module, [name]) for module in modules)
        wrong = fault(name, package, floors.get(name), kind, seen)
        counts = f"{package.reached}/{package.there}"
        shown = f"{name:34} {counts:>12} {package.percent:8.1f} {floors.get(name, '-'):>6}"
        lines.append(f"! {shown}  {wrong}" if wrong else f"  {shown}")
    return lines


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 2 or arguments[0] not in _COUNTS:
        print(__doc__, file=sys.stderr)
        return 2
    kind, path = arguments
    floors = floors_in((_ROOT / "pyproject.toml").read_text("utf-8"))
    report = json.loads(Path(path).read_text("utf-8"))
    lines = table(measured(report, kind, floors), floors[kind], kind, report)
    print("\n".join(lines))
    return 1 if any(line.startswith("!") for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
