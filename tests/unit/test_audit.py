"""What scripts/audit.py makes of pip-audit's reports."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "audit.py"


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


CLEAN = {"name": "pydantic", "version": "2.14.3", "vulns": []}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI and could not be audited: ours (1.0)"}
ADVISORY = {"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": [], "description": "bad"}
BAD = {"name": "urllib3", "version": "1.0", "vulns": [ADVISORY]}


@pytest.mark.parametrize("text", ["", "no JSON", report(), report(UNKNOWN, UNKNOWN)])
def test_a_service_that_is_not_there_is_said_and_fails_nothing(audit: ModuleType, text: str) -> None:
    for in_ci in (True, False):
        code, words = audit.verdict(text, in_ci)
        assert (code, words.startswith("audit: NOT DONE")) == (0, True)


def test_an_advisory_fails_where_ci_is_set(audit: ModuleType) -> None:
    code, words = audit.verdict(report(CLEAN, BAD, UNKNOWN), True)
    assert code == 1
    assert "2 of 3 pinned packages" in words
    assert "no answer for ours" in words
    assert "urllib3 1.0: PYSEC-2026-1, mended in: 1.1" in words
    assert audit.verdict(report(CLEAN, BAD), False)[0] == 0


def test_nothing_found(audit: ModuleType) -> None:
    assert audit.verdict(report(CLEAN), True) == (0, "audit: 1 of 1 pinned packages asked about")
