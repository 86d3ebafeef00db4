"""The audit log's lines: who asked for what, and what came of it."""

import json
import logging
import re
from typing import Any

import azure.functions as func
import pytest

from api import answers, audit
from shared.log_context import worded
from shared.telemetry.log_records import log_record
from tests.support.sources import PROJECT

JOB = "/subscriptions/s/resourceGroups/batchai/providers/Microsoft.BatchAI/workspaces/w/experiments/e/jobs/j"
UUID = "8e24c0a4-0b62-4b4c-9f6f-5f4e8f0f6f11"


def request(method: str, path: str = JOB, **headers: str) -> func.HttpRequest:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return func.HttpRequest(method, f"http://app{path}?code=s3cret", headers=given, params={}, body=b"")


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    records = [record for record in caplog.records if record.name == "batchai.audit"]
    # What the handlers of a Functions worker show is what is parsed.
    texts = [worded(record) for record in records]
    assert all(text.startswith("audit {") for text in texts)
    return [json.loads(text.removeprefix("audit ")) for text in texts]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "batchai.audit")
    audit.forget_run()
    return caplog


def answered(
    req: func.HttpRequest, names: tuple[str, ...], response: func.HttpResponse, by: str = "ada@example.com"
) -> None:
    if audit.is_act(req, names):
        audit.answered(req, names, response, "r-1", by)


@pytest.mark.parametrize(
    ("method", "path", "names", "act"),
    [
        ("PUT", JOB, ("workspace", "experiment", "job"), "submit job"),
        ("DELETE", JOB, ("workspace", "experiment", "job"), "delete job"),
        ("POST", f"{JOB}/terminate", ("workspace", "experiment", "job"), "terminate job"),
        ("PUT", "/w/sweeps/s", ("workspace", "experiment", "sweep"), "submit sweep"),
        ("POST", "/w/sweeps/s/rerun/", ("workspace", "experiment", "sweep"), "rerun sweep"),
        ("PUT", "/w/clusters/c", ("workspace", "cluster"), "create cluster"),
        ("PATCH", "/w/clusters/c", ("workspace", "cluster"), "update cluster"),
        ("POST", "/w/clusters/c/nodes/n/drain", ("workspace", "cluster", "node"), "drain node"),
        ("DELETE", "/w", ("workspace",), "delete workspace"),
        ("GET", JOB, ("workspace", "experiment", "job"), ""),
        ("POST", f"{JOB}/listOutputFiles", ("workspace", "experiment", "job"), ""),
        ("POST", "/w/validate", ("workspace",), ""),
        ("PUT", "/subscriptions/s/resourceGroups/g", (), ""),
    ],
)
def test_what_changes_something_leaves_a_line(
    log: pytest.LogCaptureFixture, method: str, path: str, names: tuple[str, ...], act: str
) -> None:
    answered(request(method, path), names, answers.empty(202))
    found = lines(log)
    assert [f"{line['act']} {line['kind']}" for line in found] == ([act] if act else [])
    verbs = ("terminate", "rerun", "drain")
    assert all(line["resource"].rpartition("/")[2] not in (*verbs, "") for line in found)


def test_a_line_says_who_what_and_what_came_of_it(log: pytest.LogCaptureFixture) -> None:
    audit.about_run(UUID)
    answered(request("PUT"), ("workspace", "experiment", "job"), answers.empty(202))
    assert lines(log) == [
        {
            "act": "submit",
            "kind": "job",
            "by": "ada@example.com",
            "outcome": "accepted",
            "resource": JOB,
            "status": 202,
            "uuid": UUID,
            "trace": UUID.replace("-", ""),
            "request": "r-1",
        }
    ]
    (record,) = log.records
    assert (record.levelno, record.__dict__["action"]) == (logging.INFO, "audit")
    assert "s3cret" not in str(record.__dict__)


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [(403, "AuthorizationFailed", "refused"), (409, "QuotaExceeded", "refused"), (503, "X", "failed")],
)
def test_a_refusal_says_why(log: pytest.LogCaptureFixture, status: int, code: str, outcome: str) -> None:
    refused = answers.refuse(status, code, "no")
    answered(request("DELETE"), ("workspace", "experiment", "job"), refused)
    (line,) = lines(log)
    assert (line["outcome"], line["status"], line["code"]) == (outcome, status, code)
    assert log.records[0].levelno == logging.WARNING


def test_hostile_names_stay_one_line(log: pytest.LogCaptureFixture) -> None:
    hostile = 'eve"}\naudit {"by": "ada", %s'
    path = "/w/experiments/e/jobs/%0aaudit%20{" + "x" * 5000
    answered(request("DELETE", path), ("workspace", "experiment", "job"), answers.empty(204), hostile)
    (line,) = lines(log)
    assert line["by"] == hostile and len(line["resource"]) == 1000
    assert "\n" not in log.records[0].getMessage()


def test_a_dropped_file_was_dropped_by_storage(log: pytest.LogCaptureFixture) -> None:
    audit.dropped("job", "jobs/w/e/j/job.json", audit.REFUSED, JOB, "QuotaExceeded")
    audit.dropped("cluster", "clusters/w/c/cluster.json", audit.ACCEPTED, "/c")
    shown = [(line["act"], line["by"], line["outcome"], line.get("code")) for line in lines(log)]
    assert shown == [
        ("submit", "storage", "refused", "QuotaExceeded"),
        ("create", "storage", "accepted", None),
    ]


def test_what_telemetry_sends_of_a_line_can_be_searched_by(log: pytest.LogCaptureFixture) -> None:
    audit.about_run(UUID)
    answered(request("DELETE"), ("workspace", "experiment", "job"), answers.empty(202))
    sent = log_record(log.records[0], log.records[0].getMessage())
    assert sent.attributes == {
        "uuid": UUID,
        "action": "audit",
        "act": "delete",
        "by": "ada@example.com",
        "outcome": "accepted",
        "resource": JOB,
    }
    assert sent.trace_id == int(UUID.replace("-", ""), 16)


def test_the_query_of_the_documentation_reads_a_line(log: pytest.LogCaptureFixture) -> None:
    """Kusto is not at hand: the words and members that the query uses are those of a line."""
    page = (PROJECT / "docs" / "how-to" / "operate.md").read_text("utf-8")
    query = page.partition("```kusto")[2].partition("```")[0]
    (start,) = re.findall(r"startswith '([^']+)'", query)
    (cut,) = re.findall(r"parse_json\(substring\(message, (\d+)\)\)", query)
    audit.about_run(UUID)
    answered(request("DELETE"), ("job",), answers.refuse(403, "X", "no"))
    text = worded(log.records[0])
    assert text.startswith(start)
    members = json.loads(text[int(cut) :])
    used = set(re.findall(r"\bline\.(\w+)", query))
    assert {"by", "act", "kind", "outcome", "resource"} <= used <= members.keys()
