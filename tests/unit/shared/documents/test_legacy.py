"""Older spellings are read and mapped, with a note."""

from typing import Any

import pytest

from shared.errors import Severity
from tests.support.documents import cluster, job, problems_of, spec_of


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, "normal"), (-1000, "low"), (1, "high"), ("7", "high"), (None, "normal"), (2.5, "high")],
)
def test_priority_of_2017(number: Any, name: str) -> None:
    parsed = job(priority=number)

    assert spec_of(parsed).scheduling_priority == name
    assert [p.severity for p in parsed.problems] == [Severity.NOTE]
    assert parsed.problems[0].path == "$.properties.priority"


@pytest.mark.parametrize("number", ["urgent", [], {}])
def test_a_priority_that_is_no_number(number: Any) -> None:
    assert job(priority=number).spec is None


def test_the_newer_spelling_wins() -> None:
    parsed = job(priority=5, schedulingPriority="low")

    assert spec_of(parsed).scheduling_priority == "low"
    assert problems_of(parsed, Severity.WARNING)


def test_what_only_older_versions_had_is_dropped_with_a_note() -> None:
    parsed = job(
        location="eastus",
        experimentName="e",
        toolType="custom",
        outputDirectories=[
            {"id": "A", "pathPrefix": "$X/y", "type": "model,logs", "createNew": True},
        ],
    )

    assert {p.severity for p in parsed.problems} == {Severity.NOTE}
    assert sorted(p.path.rsplit(".", 1)[1] for p in parsed.problems) == [
        "createNew",
        "experimentName",
        "location",
        "toolType",
        "type",
    ]


def test_a_folder_that_was_not_to_be_made_is_a_warning() -> None:
    parsed = job(outputDirectories=[{"id": "A", "pathPrefix": "$X/y", "createNew": False}])

    assert "the folder is always made" in problems_of(parsed, Severity.WARNING)[0]


def test_a_printed_job_can_be_dropped_again() -> None:
    parsed = job(
        executionState="succeeded",
        executionInfo={"exitCode": 0},
        jobOutputDirectoryPathSegment="x",
        provisioningState="succeeded",
        creationTime="2018-06-06T20:26:23.925Z",
    )

    assert parsed.spec is not None
    assert {p.severity for p in parsed.problems} == {Severity.NOTE}


def test_older_clusters() -> None:
    task = {"commandLine": "x", "stdOutErrPathPrefix": "/x", "runElevated": False, "stdOutErrPathSuffix": "y"}
    parsed = cluster(location="x", currentNodeCount=1, nodeSetup={"setupTask": task})

    assert parsed.spec is not None
    assert len(parsed.problems) == 4
    assert {p.severity for p in parsed.problems} == {Severity.NOTE}


def test_an_output_folder_that_is_no_object_is_left_to_the_models() -> None:
    parsed = job(outputDirectories=["/x"])
    assert [problem.path for problem in parsed.errors] == ["$.properties.outputDirectories[0]"]
