"""From the service's answer to series, tables and curves."""

from typing import Any

import pytest
from click.testing import CliRunner

from cli import columns
from cli.main import main
from cli.metric_series import Series, series_of, shown
from cli.plot import curves

GPU = {"index": 1, "name": "H200", "utilizationPercent": 87, "memoryUsedBytes": 2**30}


def entry(*samples: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"node": "n0", "attempt": 1, "file": "f", "samples": list(samples)} | more


def found(answer: dict[str, Any]) -> dict[str, list[float]]:
    return {series.label: series.y for series in series_of(answer)}


def test_numbers_of_samples_are_series_and_everything_else_is_not() -> None:
    samples = (
        {"step": 0, "loss": 2, "note": "x", "ok": True, "nothing": None},
        {"step": 5, "loss": 1.5, "deep": {"loss": 1}},
    )
    (loss,) = series_of({"metrics": [entry(*samples)]})
    assert (loss.label, loss.x, loss.y) == ("loss", [0, 5], [2, 1.5])
    assert loss.figures() == {"last": 1.5, "min": 1.5, "max": 2, "samples": 2}


def test_without_a_step_the_time_counts_and_without_both_the_sample() -> None:
    times = ({"time": "2026-11-29T12:00:00Z", "a": 1}, {"time": "2026-11-29T12:00:10Z", "a": 2}, {"a": 3})
    assert series_of({"metrics": [entry(*times)]})[0].x == [0, 10, 2]
    assert series_of({"metrics": [entry({"a": 1}, {"a": 1, "time": "then"})]})[0].x == [0, 1]


def test_each_gpu_has_series_of_its_own() -> None:
    answer = {"resources": [entry({"cpuPercent": 10, "attempt": 1, "gpus": [GPU, 3]})]}
    assert found(answer) == {
        "cpuPercent": [10],
        "gpu1.utilizationPercent": [87],
        "gpu1.memoryUsedBytes": [2**30],
    }


def test_processes_and_nodes_are_named_where_there_are_several() -> None:
    metrics = [entry({"loss": 1}, process="wk-0"), entry({"loss": 2}, process="wk-1")]
    assert found({"metrics": metrics}) == {"loss wk-0": [1], "loss wk-1": [2]}
    resources = [entry({"cpuPercent": 1}), entry({"cpuPercent": 2}, node="n1")]
    assert found({"resources": resources}) == {"cpuPercent n0": [1], "cpuPercent n1": [2]}


def test_the_latest_attempt_that_has_written_counts() -> None:
    metrics = [entry(attempt=3), entry({"loss": 2}, attempt=2), entry({"loss": 9})]
    assert found({"metrics": metrics}) == {"loss": [2]}
    assert found({}) == {}


def test_names_of_a_job_move_no_cursor() -> None:
    assert list(found({"metrics": [entry({"\x1b[2Jloss\n": 1})]})) == ["?[2Jloss?"]


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("loss", 0.123456789, "0.123457"),
        ("memoryBytes", 1536, "1.5 KiB"),
        ("memoryBytes", 3 * 2**40, "3 TiB"),
        ("memoryBytes", 7, "7 B"),
        ("loss", None, ""),
    ],
)
def test_numbers_for_people(key: str, value: float | None, text: str) -> None:
    assert shown(key, value) == text


def test_rows() -> None:
    row = {"metric": "loss", "of": "wk-0", "last": 1.0, "min": 0.5, "max": 2, "samples": 3}
    assert columns.metric(row) == {
        "Metric": "loss",
        "Process or Node": "wk-0",
        "Last": "1",
        "Min": "0.5",
        "Max": "2",
        "Samples": "3",
    }
    both = {"metric": "loss", "of": "", "jobs": [{"job": "a", "last": 1, "min": 1, "max": 1}, {"job": "b"}]}
    assert columns.compared_metric(both)["a last"] == "1"
    assert columns.compared_metric(both)["b last"] == ""


def test_curves_have_names_and_no_colours_where_nobody_sees_them() -> None:
    first, second = Series("loss", "", [0, 1, 2], [3, 2, 1]), Series("loss", "", [0], [2])
    text = curves("loss", [("a", first), ("b", second)])
    assert "loss" in text and "a" in text and "\x1b" not in text
    assert len(text.splitlines()) == 16 and max(map(len, text.splitlines())) < 80
    assert "\x1b" not in curves("loss", [("", second)])


def test_gpus_of_nodes() -> None:
    node = {"nodeId": "n0", "state": "running"}
    full = {**GPU, "memoryTotalBytes": 2**37}
    assert columns.cluster_node({**node, "gpus": [full, GPU, {}]})["GPUs"] == "87% 1/128 GiB, 87%, ?"
    assert columns.cluster_node(node)["GPUs"] == ""


def test_one_job_or_two() -> None:
    for words in ([], ["-n", "a", "--compare", "a", "b"]):
        result = CliRunner().invoke(main, ["job", "metrics", *words])
        assert result.exit_code == 2 and "-n or --compare" in result.output
