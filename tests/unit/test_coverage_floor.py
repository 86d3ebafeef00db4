"""The floors of coverage: complete, high enough, and enforced."""

from pathlib import Path
from typing import Any

import pytest

from scripts.coverage_floor import Measured, fault, floors_in, main, measured, table
from tests.support.sources import PROJECT, texts
from tests.unit.test_architecture import pure_modules

FLOORS = floors_in((PROJECT / "pyproject.toml").read_text("utf-8"))


def holders(module: str) -> set[str]:
    """What may count a module: itself, or the package it lies in or is."""
    return {module, module.rpartition(".")[0]}


def test_what_is_pure_is_held_by_its_branches_and_everything_else_by_its_lines() -> None:
    pure = set(pure_modules())
    kinds = {module: "branches" if module in pure else "lines" for module in texts()}
    del kinds["function_app"]  # it only registers; by name alone coverage would count those of tests, too
    wrong = [module for module, kind in kinds.items() if not holders(module) & FLOORS[kind].keys()]
    assert not wrong, "write their floors in pyproject.toml, [tool.batchai.coverage]"
    assert not FLOORS["branches"].keys() & FLOORS["lines"].keys()


def test_no_floor_is_lower_than_was_promised() -> None:
    assert min(FLOORS["branches"].values()) >= 98
    assert min(FLOORS["lines"].values()) >= 85


def report(**files: tuple[int, int]) -> dict[str, Any]:
    """A report of coverage: file -> (reached, there) of lines and of branches."""
    return {
        "files": {
            f"{name.replace('__', '/')}.py": {
                "summary": {
                    "covered_lines": reached,
                    "num_statements": there,
                    "covered_branches": reached,
                    "num_branches": there,
                }
            }
            for name, (reached, there) in files.items()
        }
    }


SMALL = {"branches": {"pure": 98, "mixed.one": 98}, "lines": {"mixed": 85}}


def test_each_file_counts_once() -> None:
    found = report(pure__a=(9, 10), pure__b=(10, 10), mixed__one=(5, 5), mixed__two=(1, 2))
    branches = measured(found, "branches", SMALL)
    assert {name: package.percent for name, package in branches.items()} == {"pure": 95, "mixed.one": 100}
    assert branches["pure"].missing == {"pure/a.py": 1}
    assert {name: p.percent for name, p in measured(found, "lines", SMALL).items()} == {"mixed": 50}


def test_a_package_without_a_floor_is_found_by_the_lines() -> None:
    found = report(new__a=(1, 1))
    lines = table(measured(found, "lines", SMALL), SMALL["lines"], "lines", found)
    assert any('no floor: write "new" = 100' in line for line in lines)


@pytest.mark.parametrize(
    ("reached", "floor", "words"),
    [
        (98, 98, None),
        (100, 98, None),
        (97, 98, "below its floor of 98 %: test what was added, or remove what is not used: p/a.py (3)"),
        (92, 85, '85 % holds nothing any more: write "p" = 92'),
        (91, 85, None),
        (0, 85, "below its floor"),
    ],
)
def test_below_and_far_above_a_floor_fail(reached: int, floor: int, words: str | None) -> None:
    package = Measured()
    package.add("p/a.py", reached, 100)
    said = fault("p", package, floor, "lines", True)
    assert said == words or (words is not None and said is not None and said.startswith(words))


def test_a_floor_of_what_is_gone_fails() -> None:
    assert "nothing of it was measured" in (fault("p", Measured(), 85, "lines", False) or "")


def test_the_command_fails_where_a_line_is_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "all.json"
    path.write_text('{"files": {}}')
    assert main(["lines", str(path)]) == 1
    assert "nothing of it was measured" in capsys.readouterr().out
    assert main(["everything"]) == 2
    assert "coverage_floor.py lines" in capsys.readouterr().err
