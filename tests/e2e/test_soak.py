"""A soak of seconds: it runs to its end, and nothing is left but what one job leaves."""

import json
import logging
from pathlib import Path

import pytest

from tests.soak.__main__ import main


@pytest.mark.timeout(300)
def test_some_seconds_of_a_soak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--minutes", "0.25", "--seed", "3", "--pace", "0.5", "--keep", "2", "-o", "json"]
    assert main([*options, "--out", str(tmp_path)]) == 0, capsys.readouterr().out
    assert logging.root.manager.disable == logging.NOTSET  # tests that come after it read logs
    answer = json.loads(capsys.readouterr().out)
    assert (answer["wrong"], answer["slopes"]) == ([], [])
    assert answer["jobs"] > 5
    assert (tmp_path / "memory.svg").exists()
    assert len((tmp_path / "samples.jsonl").read_text().splitlines()) >= 2
