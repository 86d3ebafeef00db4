"""`batchai sweep`: its table, its picture, its explanation, and what an array becomes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from click.testing import CliRunner, Result

from cli.http import Api
from cli.main import main
from cli.sweep_curves import points_of
from cli.sweep_plot import picture
from cli.sweep_runs import best_first, run_row, summary
from tests.support.sweep_documents import document

MAXIMIZE = {"key": "acc", "goal": "maximize"}
RUNS: list[dict[str, Any]] = [
    {
        "index": 0,
        "state": "succeeded",
        "parameters": {"lr": 0.001, "way": "a"},
        "metric": 0.5,
        "job": "/j/s-0",
    },
    {"index": 1, "state": "succeeded", "parameters": {"lr": 1.0, "way": "b"}, "metric": 0.9, "job": "/j/s-1"},
    {"index": 2, "state": "waiting", "parameters": {"lr": 0.1, "way": "<c>"}, "job": "/j/s-2"},
    {
        "index": 3,
        "state": "failed",
        "parameters": {"lr": 0.1, "way": "d"},
        "metric": 0.7,
        "exitCode": 2,
        "message": "JobFailed: x\ny",
        "startTime": "2026-11-29T10:00:00.000Z",
        "endTime": "2026-11-29T10:00:02.500Z",
        "job": "/j/s-3",
    },
]
COUNTS = {"total": 4, "succeeded": 2, "failed": 1, "inFlight": 0, "waiting": 1}
SWEEP = {
    "id": "/subscriptions/s/resourceGroups/g/providers/x/workspaces/w/experiments/e/sweeps/s",
    "name": "s",
    "properties": {"state": "failed", "why": "MaxFailuresReached", "runs": COUNTS, "metric": MAXIMIZE},
}


def test_the_best_comes_first_and_what_has_no_metric_last() -> None:
    assert [run["index"] for run in best_first(RUNS, MAXIMIZE)] == [1, 3, 0, 2]
    assert [run["index"] for run in best_first(RUNS, MAXIMIZE | {"goal": "minimize"})] == [0, 3, 1, 2]
    assert [run["index"] for run in best_first(RUNS[2:3], None)] == [2]


def test_a_row_has_metric_parameters_and_how_it_went() -> None:
    assert run_row(RUNS[3], MAXIMIZE) == {
        "Index": "3",
        "State": "failed",
        "acc": "0.7",
        "lr": "0.1",
        "way": "d",
        "Seconds": "2.5",
        "Exit Code": "2",
        "Message": "JobFailed: x",
    }
    assert run_row({"index": 1, "state": "waiting", "parameters": {"on": True}}, None) == {
        "Index": "1",
        "State": "waiting",
        "on": "true",
        "Seconds": "",
    }


def test_a_summary() -> None:
    assert summary(SWEEP) == (
        "sweep s: failed (MaxFailuresReached), 2 of 4 runs succeeded, 1 failed, 1 waiting"
    )


def test_the_picture_has_a_panel_for_each_parameter_and_one_for_the_curves() -> None:
    text = picture("s", "acc", best_first(RUNS, MAXIMIZE), {1: [(0, 0.1), (1, 0.9)], 0: [(0, 0.5)]})
    drawn = ElementTree.fromstring(text)
    names = {"s": "http://www.w3.org/2000/svg"}
    assert len(drawn.findall("s:g", names)) == 3
    assert len(drawn.findall(".//s:circle", names)) == 6
    lines = drawn.findall(".//s:polyline", names)
    assert len(lines) == 2
    assert lines[-1].get("stroke-width") == "2", "the best is drawn over the others"
    assert "sweep s: acc, 3 of 4 runs" in text


def test_a_picture_of_nothing_and_of_one_point() -> None:
    ElementTree.fromstring(picture("s", "acc", [], {}))
    ElementTree.fromstring(picture("s", "acc", RUNS[:1], {}))
    assert "run 0: acc=0.5 (lr=0.001, way=a)" in picture("s", "acc", RUNS[:1], {})


def test_curves_are_the_first_series_with_the_key() -> None:
    answer = {
        "metrics": [
            {"samples": [{"loss": 1}]},
            {"samples": [{"step": 5, "acc": 0.5}, {"acc": True}, {"step": 7, "acc": 1}]},
        ]
    }
    assert points_of(answer, "acc") == [(5.0, 0.5), (7.0, 1.0)]
    assert points_of({"metrics": [{"samples": [{"acc": 3}, {"acc": 4}]}]}, "acc") == [(0.0, 3.0), (1.0, 4.0)]
    assert points_of({}, "acc") == []


class Service:
    """A service that has one sweep."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.there = True
        self.metrics: httpx.Response = httpx.Response(404, json=_error("InvalidResourceType", "nothing"))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.requests.append((request.method, path.rpartition("/experiments/e")[2] or path))
        if request.content:
            self.bodies.append(json.loads(request.content))
        if path.endswith("/metrics"):
            return self.metrics
        if path.endswith("/runs"):
            return httpx.Response(200, json={"value": RUNS})
        if path.endswith("/sweeps"):
            return httpx.Response(200, json={"value": [SWEEP]})
        if request.method == "PUT":
            self.there = True
            return httpx.Response(201, json=SWEEP)
        if request.method == "DELETE":
            self.there = False
            return httpx.Response(202)
        if not self.there:
            return httpx.Response(404, json=_error("SweepNotFound", "no sweep"))
        return httpx.Response(200 if request.method == "GET" else 202, json=SWEEP)


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    made = Service()
    with httpx.Client(transport=httpx.MockTransport(lambda request: made(request))) as client:
        monkeypatch.setattr(Api, "_open", lambda _: client)
        yield made


def run(*words: str, code: int = 0) -> Result:
    where = ("--url", "http://127.0.0.1:1", "--subscription", "s", "-g", "g", "-w", "w", "-e", "e")
    result = CliRunner().invoke(main, (*words, *where))
    assert result.exit_code == code, result.output
    return result


def test_show_prints_a_table_a_csv_and_draws(service: Service, tmp_path: Path) -> None:
    table = run("sweep", "show", "-n", "s", "-o", "table")
    assert [line.split()[0] for line in table.stdout.splitlines()[2:6]] == ["1", "3", "0", "2"]
    assert "2 of 4 runs succeeded" in table.stderr
    rows = run("sweep", "show", "-n", "s", "-o", "csv").stdout.splitlines()
    assert rows[0] == "Index,State,acc,lr,way,Seconds,Exit Code,Message"
    assert rows[1].startswith("1,succeeded,0.9,1,b,")
    plot = run("sweep", "show", "-n", "s", "-o", "none", "--plot", "p.svg")
    assert "no curves are drawn" in plot.stderr
    assert (tmp_path / "p.svg").read_text().startswith("<svg")


def test_curves_are_drawn_where_the_service_has_metrics(service: Service, tmp_path: Path) -> None:
    samples = [{"step": 1, "acc": 0.1}, {"step": 2, "acc": 0.2}]
    service.metrics = httpx.Response(200, json={"metrics": [{"samples": samples}]})
    run("sweep", "show", "-n", "s", "-o", "none", "--plot", "p.svg")
    assert (tmp_path / "p.svg").read_text().count("<polyline") == 3
    service.metrics = httpx.Response(409, json=_error("Other", "cannot be read"))
    assert "no curve of run 1: cannot be read" in run("sweep", "show", "-n", "s", "--plot", "p.svg").stderr


def test_a_picture_that_cannot_be_written(service: Service) -> None:
    assert "cannot be written" in run("sweep", "show", "-n", "s", "--plot", "no/p.svg", code=1).stderr


def test_best_is_one_run(service: Service) -> None:
    assert json.loads(run("sweep", "best", "-n", "s", "-o", "json").stdout)["index"] == 1


def test_list_terminate_rerun_and_delete(service: Service) -> None:
    assert run("sweep", "list", "-o", "table").stdout.splitlines()[2].split()[:3] == ["s", "failed", "4"]
    run("sweep", "terminate", "-n", "s", "-y")
    run("sweep", "rerun", "-n", "s")
    run("sweep", "delete", "-n", "s", "-y")
    asked = [request for request in service.requests if request[0] != "GET"]
    assert asked == [("POST", "/sweeps/s/terminate"), ("POST", "/sweeps/s/rerun"), ("DELETE", "/sweeps/s")]


def test_create_checks_sends_and_refuses_a_name_that_is_taken(service: Service, tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text(json.dumps(document()))
    assert "already" in run("sweep", "create", "-n", "s", "-f", "sweep.json", code=1).stderr
    service.there = False
    run("sweep", "create", "-n", "s", "-f", "sweep.json", "-o", "json")
    assert service.bodies == [document()]
    (tmp_path / "sweep.json").write_text(json.dumps(document(maxConcurrent=0)))
    assert "would be refused" in run("sweep", "create", "-n", "s", "-f", "sweep.json", code=1).stderr


def test_watch_says_each_change_and_shows_the_table_at_the_end(service: Service, tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text(json.dumps(document()))
    service.there = False
    watched = run("sweep", "create", "-n", "s", "-f", "sweep.json", "--watch", "-o", "csv")
    assert "2 of 4 runs succeeded" in watched.stderr
    assert watched.stdout.startswith("Index,")


def test_an_array_is_a_sweep_of_the_job(service: Service, tmp_path: Path) -> None:
    job = document()["properties"]["job"]
    (tmp_path / "job.json").write_text(json.dumps(job))
    service.there = False
    run("job", "create", "-n", "s", "-f", "job.json", "--array", "0-99", "--max-concurrent", "5")
    (sent,) = service.bodies
    assert (sent["properties"]["array"], sent["properties"]["maxConcurrent"]) == ("0-99", 5)
    words = sent["properties"]["job"]["properties"]["customToolkitSettings"]
    assert words == job["properties"]["customToolkitSettings"]
    wrong = run("job", "create", "-n", "s", "-f", "job.json", "--array", "9-0", code=2)
    assert "ends before it begins" in wrong.stderr
    assert (
        "is for --array"
        in run("job", "create", "-n", "s", "-f", "job.json", "--max-concurrent", "5", code=2).stderr
    )


def test_a_sweep_is_linted_and_explained(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    text = document(parameters={"x": list(range(30))}, maxConcurrent=2, maxFailures=3, metric=MAXIMIZE)
    file.write_text(json.dumps(text))
    linted = json.loads(CliRunner().invoke(main, ["lint", "-o", "json", str(file)]).stdout)
    assert (linted["files"][0]["kind"], linted["files"][0]["accepted"]) == ("sweep", True)
    explained = CliRunner().invoke(main, ["explain", str(file)])
    assert explained.exit_code == 0
    for words in (
        "30 runs, 2 of them at once",
        "run 19: x=19",
        "and 10 more",
        "The first run",
        "to maximize",
    ):
        assert words in explained.stdout
    fields = json.loads(CliRunner().invoke(main, ["explain", "-o", "json", str(file)]).stdout)
    assert fields["sweep"]["runs"][29] == {"index": 29, "parameters": {"x": 29}}
    file.write_text(json.dumps(document(maxConcurrent=0)))
    assert CliRunner().invoke(main, ["explain", str(file)]).exit_code == 1
    assert CliRunner().invoke(main, ["lint", str(file)]).exit_code == 1


def test_a_file_that_says_little_is_judged_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "sweep.json"
    file.write_text("{}")
    linted = json.loads(CliRunner().invoke(main, ["lint", "-o", "json", str(file)]).stdout)
    assert linted["files"][0]["kind"] == "sweep"
