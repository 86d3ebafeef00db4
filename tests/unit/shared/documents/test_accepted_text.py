"""Where problems stand in the text that people are shown of an accepted document."""

from typing import Any

import pytest

from shared.documents.accepted_text import accepted_text, placed

PROPERTIES: dict[str, Any] = {"nodeCount": 1, "outputDirectories": [{"id": "A"}, {"id": "ü"}]}
#: The lines that the text has.
TEXT = """{
  "properties": {
    "nodeCount": 1,
    "outputDirectories": [
      {
        "id": "A"
      },
      {
        "id": "ü"
      }
    ]
  }
}
"""


def test_the_text_is_laid_out_for_people() -> None:
    assert accepted_text(PROPERTIES) == TEXT


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("$.properties.nodeCount", 3),
        ("$.properties.outputDirectories[1].id", 9),
        ("$.properties.outputDirectories[1].gone", 8),
        ("$.properties.outputDirectories[7].gone", 4),
        ("$.properties.mountVolumes.azureFileShares[0].credentials", 2),
        ("$", 1),
        ("nonsense", 0),
    ],
)
def test_a_problem_stands_where_what_it_is_about_stands(path: str, line: int) -> None:
    found = placed(TEXT, [{"severity": "warning", "path": path, "message": "m", "line": 99, "more": 1}])
    assert [(problem["line"], problem["more"]) for problem in found] == [(line, 1)]
