"""A docker that does not answer."""

from pathlib import Path

import pytest

from runner.containers.container import Container
from runner.containers.docker import Docker
from runner.containers.options import Options


@pytest.mark.parametrize(("seconds", "reported"), [(0.0, "within 2 s"), (3.0, "within 3 s")])
def test_one_that_hangs_holds_up_no_runner_in_a_hurry(tmp_path: Path, seconds: float, reported: str) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    container = Container(Docker(str(program)), Options("batchai-x", {}, {}, ()), "x:1", tmp_path / "exits")
    assert reported in container.remove(seconds)
