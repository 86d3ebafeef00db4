import json
from datetime import UTC, datetime

import pytest

from shared.environment.layout import path_segment
from shared.errors import Problem, Severity
from shared.jobs import status_json, transitions
from shared.jobs.model import AttemptReport, Outcome, Reason, State, StreamSeal
from shared.jobs.queue_order import QueueOrder
from shared.jobs.waiting_reason import NodeView, why
from shared.names.ids import ClusterId
from tests.support.jobs import JOB, SCOPE, UUID, a_job, after, in_state

PROPERTIES = json.dumps(
    {
        "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs",
        "outputDirectories": [
            {"id": "MODEL", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/out", "pathSuffix": "model"},
            {"id": "REST", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/out"},
        ],
    }
)
SEGMENT = path_segment(SCOPE, JOB, UUID)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2018, 6, 6, 20, 26, 23, 925999, UTC), "2018-06-06T20:26:23.925Z"),
        (datetime(2018, 6, 6, 20, 26, 23, 0, UTC), "2018-06-06T20:26:23.000Z"),
        (datetime(2018, 6, 6, 20, 26, 23, 7999, UTC), "2018-06-06T20:26:23.007Z"),
    ],
)
def test_times_are_utc_with_milliseconds(moment: datetime, text: str) -> None:
    assert status_json.timestamp(moment) == text


def test_a_queued_job_says_where_its_output_will_be_and_why_it_waits() -> None:
    job = a_job(properties=PROPERTIES)
    shown = status_json.of_job(
        job, SCOPE, after(1), why(job, QueueOrder([]), [NodeView("n", "idle", True)], "run")
    )
    root = "$AZ_BATCHAI_JOB_MOUNT_ROOT"
    assert shown["output"] == {
        "stdOutErr": f"{root}/logs/{SEGMENT}/stdouterr",
        "directories": {
            "MODEL": f"{root}/out/{SEGMENT}/outputs/model",
            "REST": f"{root}/out/{SEGMENT}/outputs",
        },
    }
    assert shown["waiting"]["reason"] == "WaitingForNode"
    assert shown["state"] == "queued"
    assert shown["links"]["job"] == f"{SCOPE.job(job.id)}?api-version=2018-05-01"
    assert not shown.keys() & {"started", "ended", "exitCode", "errors", "attempt", "logs", "problems"}


def test_an_ended_job_says_how() -> None:
    seal = StreamSeal("stdout.txt", 12, "ab", False)
    job = transitions.finish(
        in_state(State.RUNNING), Outcome(Reason.JOB_FAILED, 3, "text"), after(9), AttemptReport((seal,))
    )
    shown = status_json.of_job(job, SCOPE, after(9))
    assert (shown["state"], shown["exitCode"], shown["attempt"]) == ("failed", 3, 1)
    assert shown["errors"] == [{"code": "JobFailed", "message": "text", "details": []}]
    assert shown["logs"] == [
        {"name": "stdout.txt", "bytes": 12, "lines": 0, "sha256": "ab", "complete": False}
    ]
    json.dumps(shown)


def test_exit_code_zero_is_shown() -> None:
    assert status_json.of_job(in_state(State.SUCCEEDED), SCOPE, after(9))["exitCode"] == 0


def test_refusals_show_errors_first_and_count_them() -> None:
    note = Problem(1, 1, "$.a", "older", severity=Severity.NOTE)
    late, early = Problem(9, 1, "$.c", "wrong"), Problem(2, 1, "$.b", "wrong", "Mend it.")
    shown = status_json.refused((note, late, early), after(0))
    assert [p["path"] for p in shown["problems"]] == ["$.b", "$.c", "$.a"]
    assert shown["message"].startswith("2 problems found")
    assert shown["problems"][0] == {
        "severity": "error",
        "path": "$.b",
        "line": 2,
        "column": 1,
        "message": "wrong",
        "hint": "Mend it.",
    }


def test_more_problems_than_anybody_reads_are_counted() -> None:
    shown = status_json.refused(tuple(Problem(i, 1, "$", "x") for i in range(1, 501)), after(0))
    assert len(shown["problems"]) == status_json.MOST_PROBLEMS
    assert shown["problemsNotShown"] == 500 - status_json.MOST_PROBLEMS


def test_an_accepted_cluster() -> None:
    shown = status_json.of_cluster(ClusterId("ws", "gpu"), SCOPE, after(0))
    assert shown["id"].endswith("/workspaces/ws/clusters/gpu")


def test_an_accepted_cluster_shows_its_problems_only_where_there_are_any() -> None:
    cluster, problem = ClusterId("w", "c"), Problem(1, 2, "$.x", "odd", severity=Severity.WARNING)
    clean = status_json.of_cluster(cluster, SCOPE, after(1))
    assert (clean["state"], clean["id"], "problems" in clean) == ("accepted", SCOPE.cluster(cluster), False)
    assert status_json.of_cluster(cluster, SCOPE, after(1), [problem])["problems"][0]["message"] == "odd"
