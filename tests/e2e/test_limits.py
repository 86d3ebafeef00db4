"""Limits, shares and who did what, as people see them with `batchai`: two
submitters and four places."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.names.ids import JobId
from tests.support.command_line import CommandLine
from tests.support.rest_api import GROUP, RestApi
from tests.support.rest_api import rest_api as start
from tests.support.waiting import eventually

LIMITS = {"over": "wait", "workspaces": {"*": {"liveJobs": 4}}}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[RestApi]:
    with start(tmp_path, BATCHAI_LIMITS=json.dumps(LIMITS)) as running:
        yield running


@pytest.fixture
def batchai(api: RestApi, tmp_path: Path) -> CommandLine:
    made = CommandLine(tmp_path)
    subscription = GROUP.split("/")[2]
    given = {"url": api.url, "subscription_id": subscription, "resource_group": "batchai", "workspace": "w"}
    made("configure", *(f"{name}={value}" for name, value in given.items()), "experiment=experiment")
    return made


def drop(api: RestApi, workspace: str, name: str) -> None:
    """Drop a job, and wait until it is accepted: which one came first is then known."""
    client = api.blobs.get_blob_client("jobs", f"w/experiment/{name}/job.json")
    client.upload_blob(json.dumps(api.document(workspace)))
    eventually(lambda: api.backend.manager.find(JobId("w", "experiment", name)))


def why(batchai: CommandLine, name: str) -> str:
    return batchai("job", "why", "-n", name)


def lines(batchai: CommandLine) -> dict[str, Any]:
    return {line["name"]: line for line in batchai.json("limits")}


def test_who_waits_sees_the_shares_and_whose_turn_it_is(api: RestApi, batchai: CommandLine) -> None:
    # Given somebody who has all four places and three jobs more, and then drops by others
    workspace = api.workspace(name="w")
    for number in range(7):
        api.job(workspace, f"mine-{number}")
    for number in range(3):
        drop(api, workspace, f"dropped-{number}")
    # Then everybody sees how it stands
    found = eventually(lambda: seen if (seen := lines(batchai))["w"]["waiting"] == 6 else None)
    assert (found["w"]["liveJobs"], found["w"]["waiting"]) == ({"used": 4, "limit": 4}, 6)
    assert (found["anonymous"]["waiting"], found["anonymous"]["fairShare"]) == (3, {"liveJobs": 2.0})
    assert (found["storage"]["waiting"], found["storage"]["fairShare"]) == (3, {"liveJobs": 2.0})
    table = batchai("limits", "-w", "w", "-o", "table")
    assert [" ".join(line.split()) for line in table.splitlines()[2:]] == [
        "workspace w 4 of 4 4 6",
        "submitter anonymous 4 4 3 2 jobs",
        "submitter storage 0 0 3 2 jobs",
    ]
    assert (
        "QuotaReached: workspace w has 4 live jobs of 4; anonymous has 4, a fair share is 2; "
        "place 4 of 6 that wait, 0 ahead by anonymous; storage is next"
    ) in why(batchai, "mine-4")
    assert "storage has 0, a fair share is 2; it is the first of 6 that wait" in why(batchai, "dropped-0")
    # When all four end, then two of each are let go
    for _ in range(4):
        api.finish(api.claim(workspace))
    claims = [eventually(lambda: api.claim(workspace), 30) for _ in range(4)]  # the sweep lets them go
    assert Counter(claim.job.submitted_by for claim in claims) == {"storage": 2, "anonymous": 2}
    # The numbers may be some seconds old (api/jobs.py).
    assert eventually(lambda: "anonymous has 2, a fair share is 2" in why(batchai, "mine-6"))
    # And the history of a job says who did what with it
    batchai("job", "terminate", "-n", "mine-6", "-y")
    shown = batchai.json("job", "show", "-n", "mine-6")
    events = [(event["event"], event.get("detail")) for event in shown["timeline"]["events"]]
    assert events == [
        ("Queued", "by anonymous"),
        ("TerminationRequested", "by anonymous"),
        ("Ended", "JobTerminated"),
    ]
    assert '"act": "terminate", "kind": "job", "by": "anonymous"' in api.log.read_text("utf-8")
