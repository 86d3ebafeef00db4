"""Metrics over HTTP: on a share and in a container. About 6 s."""

import json
from typing import Any

import pytest

from api import metric_files
from api.log_files import LogFiles
from shared.stores.connection import CallCounter
from tests.integration.api.test_job_logs import Writer
from tests.support.rest_api import RestApi


@pytest.fixture(params=["share", "container"])
def writer(api: RestApi, request: pytest.FixtureRequest) -> Writer:
    return Writer(api, request.param)


def write(writer: Writer, name: str, *samples: dict[str, Any]) -> None:
    writer.start(name)
    writer.to.append(name, 0, "".join(json.dumps(sample) + "\n" for sample in samples).encode())


def test_a_job_that_has_written_nothing_has_no_series(writer: Writer) -> None:
    found = writer.api.must("GET", f"{writer.job}/metrics")
    assert found == {"resources": [], "metrics": [], "truncated": False}


def test_resources_and_metrics_of_each_attempt_and_process(writer: Writer) -> None:
    write(writer, "resources.jsonl", {"node": "gpu-7", "attempt": 1, "processes": 3})
    writer.begin(2)
    write(writer, "resources.jsonl", {"node": "gpu-8", "attempt": 2, "processes": 4})
    write(writer, "metrics-wk-0.jsonl", *({"step": step, "loss": 1 / (step + 1)} for step in range(10)))
    write(writer, "metrics.jsonl", {"accuracy": 1})
    writer.start("stdout.txt")
    found = writer.api.must("GET", f"{writer.job}/metrics", maxpoints=4)
    assert [(entry["node"], entry["attempt"], entry["file"]) for entry in found["resources"]] == [
        ("gpu-8", 2, "stdouterr/resources.jsonl"),
        ("gpu-7", 1, "stdouterr/resources.attempt-1.jsonl"),
    ]
    assert found["resources"][0]["samples"] == [{"node": "gpu-8", "attempt": 2, "processes": 4}]
    by_process = {entry["process"]: entry for entry in found["metrics"]}
    assert [sample["step"] for sample in by_process["wk-0"]["samples"]] == [0, 3, 6, 9]
    assert by_process[None]["samples"] == [{"accuracy": 1}]
    assert found["truncated"]
    run = writer.api.must("GET", writer.job)["properties"]["jobOutputDirectoryPathSegment"].rpartition("/")[2]
    assert writer.api.must("GET", f"{writer.job}/runs/{run}/metrics", maxpoints=4) == found


def test_of_a_long_file_a_few_pieces_are_read(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_files, "_MOST_BYTES", 4000)
    write(writer, "metrics.jsonl", *({"step": step} for step in range(5000)))
    counter = CallCounter()
    services = writer.api.backend
    job = services.manager.get(writer.claim.job.id)
    files = LogFiles(services.manager, services.clusters, counter)
    found = metric_files.read_metrics(files, job, 5000)
    steps = [sample["step"] for sample in found["metrics"][0]["samples"]]
    assert steps == sorted(steps) and (steps[0], steps[-1]) == (0, 4999)
    assert 200 < len(steps) < 500 and found["truncated"]
    assert counter.snapshot().total() == 4, "calls that read: one a piece"


def test_the_wrong_number_of_points_is_refused(writer: Writer) -> None:
    answer = writer.api.call("GET", f"{writer.job}/metrics", maxpoints=0)
    assert answer.status_code == 400 and "maxpoints" in answer.text
