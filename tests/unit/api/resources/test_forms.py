"""Job resources against those that the original service really answered."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from api.resources import forms, jobs
from shared.documents.parse import parse_job
from shared.documents.spec import public_properties
from shared.errors import Problem, Severity
from shared.jobs import transitions
from shared.jobs.model import Job, Outcome, Reason, State
from shared.jobs.queue_order import QueueOrder
from shared.jobs.waiting_reason import NodeView, why
from tests.support.jobs import SCOPE, a_job, after, in_state

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")
OURS = {"attempt", "waiting"}


def recorded(corpus: Path) -> list[dict[str, Any]]:
    calls = [c for f in corpus.glob("recordings/*.json") for c in json.loads(f.read_text())]
    gets = [c for c in calls if c["method"] == "GET" and re.search(r"/jobs/[^/?]+\?", c["uri"])]
    return [json.loads(call["body"]) for call in gets if call["status"] == 200]


def resubmitted(resource: dict[str, Any]) -> Job:
    """The job that our parser makes of what the original echoed."""
    properties = copy.deepcopy(resource["properties"])
    info = properties.pop("executionInfo", {})
    state = State(properties["executionState"])
    for volume in [v for volumes in properties.get("mountVolumes", {}).values() for v in volumes]:
        volume["credentials"] = {"accountKey": "c2VjcmV0"}
    parsed = parse_job(json.dumps({"properties": properties}))
    assert parsed.spec is not None, [str(p) for p in parsed.errors]
    shown = json.dumps(public_properties(parsed.spec))
    times = {
        "started": after(5) if "startTime" in info else None,
        "ended": after(9) if "endTime" in info else None,
    }
    return a_job(state=state, properties=shown, exit_code=info.get("exitCode"), **times)


def shape(value: Any) -> Any:
    """A value with every time as `<time>`."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(v) for v in value]
    return "<time>" if isinstance(value, str) and TIME.fullmatch(value) else value


def test_a_job_looks_as_it_was_recorded(corpus: Path) -> None:
    resources = recorded(corpus)
    assert {r["properties"]["executionState"] for r in resources} == {"queued", "running", "succeeded"}
    for resource in resources:
        ours = jobs.job_resource(resubmitted(resource), SCOPE)
        theirs = resource["properties"]
        assert ours.keys() == resource.keys()
        assert ours["type"] == resource["type"]
        assert ours["properties"].keys() - OURS == theirs.keys()
        # The recorded service said 30 days whatever the document's limit; ours says the limit.
        varying = {"jobOutputDirectoryPathSegment", "cluster", "maxJobDurationSeconds", *OURS}
        for key in ours["properties"].keys() - varying:
            assert shape(ours["properties"][key]) == shape(theirs[key]), key
        segment = theirs["jobOutputDirectoryPathSegment"].split("/")
        assert len(ours["properties"]["jobOutputDirectoryPathSegment"].split("/")) == len(segment)


def test_absent_members_are_omitted() -> None:
    properties = jobs.job_resource(a_job(), SCOPE)["properties"]
    assert "executionInfo" not in properties
    assert None not in properties.values()


def test_a_failure_shows_code_message_and_details() -> None:
    outcome = Outcome(Reason.FILE_SHARE_MOUNT, message="no such share", details=(("share", "logs"),))
    job = transitions.finish(in_state(State.RUNNING), outcome, after(9))
    info = jobs.job_resource(job, SCOPE)["properties"]["executionInfo"]
    assert info["errors"] == [
        {
            "code": "AZFMountError",
            "message": "no such share",
            "details": [{"name": "share", "value": "logs"}],
        }
    ]
    assert "exitCode" not in info


def test_a_waiting_job_says_why() -> None:
    job = a_job()
    shown = jobs.job_resource(job, SCOPE, why(job, QueueOrder([]), [NodeView("n", "running", True)], "run"))
    assert shown["properties"]["waiting"]["reason"] == "WaitingForNode"


@pytest.mark.parametrize(("link", "keys"), [(None, {"value"}), ("http://next", {"value", "nextLink"})])
def test_pages(link: str | None, keys: set[str]) -> None:
    assert forms.page([{"a": 1}], link).keys() == keys


def test_errors_have_arm_s_form() -> None:
    assert forms.error_body("JobNotFound", "x") == {"error": {"code": "JobNotFound", "message": "x"}}


def problem(severity: Severity, path: str) -> Problem:
    return Problem(1, 2, path, "wrong", severity=severity)


def test_a_refused_document_shows_its_first_fault_and_lists_them_all() -> None:
    problems = [
        problem(Severity.WARNING, "$.a"),
        problem(Severity.ERROR, "$.b"),
        problem(Severity.ERROR, "$.c"),
    ]
    error = forms.refused_body("InvalidRequestContent", problems)["error"]
    assert error["message"] == f"{problems[1]} (and 1 more problems, see details)"
    assert (error["target"], [detail["target"] for detail in error["details"]]) == ("$.b", ["$.b", "$.c"])


def test_one_problem_is_reported_without_counting_and_warnings_only_where_there_is_no_error() -> None:
    only = problem(Severity.WARNING, "$.a")
    error = forms.refused_body("X", [only])["error"]
    assert (error["message"], len(error["details"])) == (str(only), 1)


def test_a_run_in_the_history_is_a_resource_of_its_own() -> None:
    job = in_state(State.SUCCEEDED)
    shown = jobs.run_resource(job, SCOPE)
    assert shown["name"] == job.uuid and shown["id"].endswith(f"/jobs/job/runs/{job.uuid}")
    assert shown["properties"]["attempt"] == 1
    assert shown["properties"]["executionInfo"]["exitCode"] == 0


def test_errors_without_details_show_none() -> None:
    job = transitions.finish(in_state(State.RUNNING), Outcome(Reason.POISON, message="x"), after(9))
    assert jobs.job_resource(job, SCOPE)["properties"]["executionInfo"]["errors"] == [
        {"code": "PoisonJob", "message": "x"}
    ]
