"""What a job's processes use and what they say of themselves, beside stdout. About 8 s."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from runner.attempt import metrics_files, resources
from runner.isolation.node_config import NodeConfig
from tests.integration.runner.conftest import Shares
from tests.integration.runner.stage import MOUNTS, Stage
from tests.support.waiting import eventually
from tests.support.world import World


@pytest.fixture
def stage(world: World, shares: Shares, config: Callable[..., NodeConfig]) -> Stage:
    return Stage(world, shares, config())


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_samples_of_a_job_that_lasts(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "FIRST_SECONDS", 0.3)
    monkeypatch.setattr(resources, "EVERY_SECONDS", 0.3)
    busy = "end=$((SECONDS+2)); while [ $SECONDS -lt $end ]; do :; done"
    claim = stage.claim(f"{busy} & {busy}; wait")
    result = stage.run(claim)
    found = lines(stage.log("resources.jsonl"))
    assert len(found) > 2
    assert {(line["node"], line["attempt"]) for line in found} == {(stage.config.node_id, 1)}
    assert max(line.get("cpuPercent", 0) for line in found) > 20
    assert max(line["processes"] for line in found) >= 2
    assert max(line.get("memoryBytes", 0) for line in found) > 100_000
    sealed = {seal.name: seal.complete for seal in result.report.seals}
    assert sealed["resources.jsonl"] and "metrics.jsonl" not in sealed


def test_metrics_arrive_while_the_job_runs(stage: Stage) -> None:
    script = """
echo '{"step": 1, "loss": 0.5}' >> $AZ_BATCHAI_METRICS_FILE
while [ ! -e $AZ_BATCHAI_JOB_TEMP/go ]; do sleep 0.1; done
echo '{"step": 2, "loss": 0.25}' >> $AZ_BATCHAI_METRICS_FILE
"""
    claim = stage.claim(
        script, jobPreparation={"commandLine": "echo '{\"step\": 0}' > $AZ_BATCHAI_METRICS_FILE"}
    )
    thread, results = stage.in_background(claim)
    eventually(lambda: '"step": 1' in stage.log("metrics.jsonl"))
    (go,) = [path.parent / "go" for path in stage.config.root.rglob("metrics.jsonl")]
    go.touch()
    thread.join(30)
    assert [line["step"] for line in lines(stage.log("metrics.jsonl"))] == [0, 1, 2]
    assert {seal.name: seal.complete for seal in results[0].report.seals}["metrics.jsonl"]


def test_each_process_has_a_file_of_its_own(stage: Stage) -> None:
    script = stage.logs / "rank.py"
    script.write_text("import os; open(os.environ['AZ_BATCHAI_METRICS_FILE'], 'a').write('{}')")
    settings = {"pythonScriptFilePath": f"{MOUNTS}/logs/rank.py", "pythonInterpreterPath": sys.executable}
    stage.run(stage.claim(customToolkitSettings=None, pyTorchSettings=settings))
    assert stage.log("metrics-0.jsonl") == "{}", stage.log("stderr-0.txt")
    assert stage.log("metrics.jsonl") == ""


def test_a_link_in_the_place_of_the_file_leads_nowhere(stage: Stage) -> None:
    stage.outcome(
        "echo mine >> $AZ_BATCHAI_METRICS_FILE; ln -sf /etc/passwd $AZ_BATCHAI_METRICS_FILE; sleep 1"
    )
    assert stage.log("metrics.jsonl") == "mine\n"


def test_a_file_without_end_is_cut(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_files, "MOST_BYTES", 1000)
    claim = stage.claim("head -c 5000 /dev/zero >> $AZ_BATCHAI_METRICS_FILE")
    result = stage.run(claim)
    assert len(stage.log("metrics.jsonl")) == 1000
    assert not {seal.name: seal.complete for seal in result.report.seals}["metrics.jsonl"]
