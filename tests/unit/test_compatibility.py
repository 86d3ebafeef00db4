"""docs/reference/documents.md against reality: every document is accepted or refused as its table says."""

import re
from pathlib import Path

import pytest

from shared.documents.envelope import CLUSTER, document_kind
from shared.documents.json_reader.reader import read_json
from shared.documents.parse import parse_cluster, parse_job
from shared.errors import Severity
from tests.support.documents import OWN

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "documents.md"
ROW = re.compile(r"^\| `([^`]+\.json)` \| (job|cluster) \| (accepted|refused) \| (.*?) \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE.read_text("utf-8"))


def documents(corpus: Path) -> dict[str, Path]:
    folders = ("recipes", "recipes/documentation-snippets", "cli-inputs")
    return {f"{folder}/{path.name}": path for folder in folders for path in (corpus / folder).glob("*.json")}


def test_the_table_names_every_document_once(corpus: Path) -> None:
    named = [row[0] for row in ROWS]

    assert sorted(named) == sorted(documents(corpus))


@pytest.mark.parametrize(("name", "kind", "verdict", "why"), ROWS, ids=[row[0] for row in ROWS])
def test_each_document_is_treated_as_the_table_says(
    name: str, kind: str, verdict: str, why: str, corpus: Path
) -> None:
    data = documents(corpus)[name].read_bytes()
    parsed = (parse_cluster if kind == CLUSTER else parse_job)(data, OWN)

    assert ("accepted" if parsed.spec else "refused") == verdict
    counted = [p for p in parsed.problems if p.severity is not Severity.NOTE]
    reasons = [] if why == "-" else re.findall(r"“([^”]+)”", why)
    for problem in counted:
        assert any(reason in str(problem) for reason in reasons), problem
    for reason in reasons:
        assert any(reason in str(problem) for problem in counted), reason


def test_the_kind_of_every_document_is_recognised(corpus: Path) -> None:
    kinds = {name: kind for name, kind, _, _ in ROWS}
    for name, path in documents(corpus).items():
        found = document_kind(read_json(path.read_bytes(), 512 * 1024).value)
        if found is not None:
            assert found in (kinds[name], "file server")
