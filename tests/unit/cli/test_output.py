"""What `batchai` prints: az's shape, tables that fit, tab-separated values, queries; how a job stands."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import columns, job_status, output
from cli.faults import Fault
from cli.shape import flat
from tests.support.cases import cases

ID = "/subscriptions/s/resourceGroups/grp/providers/Microsoft.BatchAI/workspaces/w/clusters/c"
JOB = {
    "id": ID.replace("clusters/c", "experiments/e/jobs/j"),
    "name": "j",
    "properties": {
        "cluster": {"id": ID},
        "executionState": "failed",
        "provisioningState": "succeeded",
        "toolType": "custom",
        "nodeCount": 1,
        "executionInfo": {"exitCode": 7, "errors": [{"code": "JobFailed", "message": "no"}]},
    },
}


def printed(capsys: pytest.CaptureFixture[str], value: Any, form: str, query: str | None = None) -> str:
    output.show(value, form, query, columns.job)
    return capsys.readouterr().out


def test_the_shape_is_that_of_az() -> None:
    shown = flat(JOB)
    assert shown["executionInfo"]["exitCode"] == 7
    assert shown["resourceGroup"] == shown["cluster"]["resourceGroup"] == "grp"
    assert flat({"properties": {"dataDisks": {"diskSizeInGB": 5}}}) == {"dataDisks": {"diskSizeInGb": 5}}
    assert "properties" not in shown


def test_a_job_s_table_has_the_original_s_columns(capsys: pytest.CaptureFixture[str]) -> None:
    head, line, row = printed(capsys, [flat(JOB)], "table").splitlines()
    assert set(line) == {"-", " "}
    words = [word for column in columns.job(flat(JOB)) for word in column.split()]
    assert head.split() == words and words[0:4] == ["Name", "Cluster", "Cluster", "RG"]
    assert row.split() == ["j", "c", "grp", "w", "custom", "1", "failed", "7"]


def test_json_is_sorted_and_queried(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, flat(JOB), "json")
    assert list(json.loads(shown)) == sorted(flat(JOB))
    assert printed(capsys, flat(JOB), "json", "executionInfo.exitCode") == "7\n"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"b": 2, "a": True}, "True\t2\n"),
        (True, "true\n"),
        ([True, None], "true\nNone\n"),
        ([["x", None], ["y\tz", 1]], "x\tNone\ny z\t1\n"),
        ("text", "text\n"),
        (None, ""),
        ([], ""),
        ([1, "b"], "1\nb\n"),
    ],
)
def test_tsv_is_that_of_az(capsys: pytest.CaptureFixture[str], value: Any, line: str) -> None:
    assert printed(capsys, value, "tsv") == line


def test_a_query_s_answer_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, [flat(JOB)], "table", "[].{Name:name,Code:executionInfo.exitCode}")
    assert [line.split() for line in shown.splitlines()] == [["Name", "Code"], ["------"] * 2, ["j", "7"]]
    assert printed(capsys, [flat(JOB)], "none") == ""


#: What knack 0.14 (of az 2.91) prints of these two, by query and form.
_TWO: list[dict[str, Any]] = [
    {"id": "/x", "name": "j", "done": True, "code": None, "cluster": {"id": "/c"}, "of": [1, 2]},
    {"id": "/y", "name": "long-name", "done": False, "code": 4, "cluster": {"id": "/d"}, "of": []},
]
_OF_AZ = [
    ("[].{b:name,a:code}", "tsv", "j\tNone\nlong-name\t4\n"),
    ("[].{b:name,a:code}", "table", "B          A\n---------  ---\nj\nlong-name  4\n"),
    ("[].{b:name,a:code}", "yaml", "- a: null\n  b: j\n- a: 4\n  b: long-name\n"),
    ("[].{id:id,name:name}", "table", "Name\n---------\nj\nlong-name\n"),
    ("[].[name,code]", "table", "Column1    Column2\n---------  ---------\nj\nlong-name  4\n"),
    ("[0]", "tsv", "\tNone\tTrue\t/x\tj\t2\n"),
    ("[].done", "tsv", "true\nfalse\n"),
    ("[].done", "table", "Result\n--------\nTrue\nFalse\n"),
    ("[0].name", "yaml", "j\n...\n"),
    ("[0].code", "tsv", ""),
    ("[0].code", "json", ""),
]


@pytest.mark.parametrize(("query", "form", "text"), _OF_AZ)
def test_queries_are_printed_as_by_az(
    capsys: pytest.CaptureFixture[str], query: str, form: str, text: str
) -> None:
    assert printed(capsys, _TWO, form, query) == text


def test_a_resource_in_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, {"b": "ü: x", "a": [1, {"c": None}]}, "yamlc")
    assert shown == "a:\n- 1\n- c: null\nb: 'ü: x'\n"


def test_a_query_that_is_wrong_is_reported() -> None:
    with pytest.raises(Fault, match="not JMESPath") as fault:
        output.check_query("[}")
    assert fault.value.exit_code == 2


def test_markup_in_a_name_stays_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert "[red]j[/red]" in printed(capsys, [flat(JOB | {"name": "[red]j[/red]"})], "table")


@given(
    st.lists(st.lists(st.text("ab", max_size=40), min_size=3, max_size=3), min_size=1), st.integers(30, 120)
)
def test_a_table_is_as_narrow_as_asked_where_headers_allow(cells: list[list[str]], width: int) -> None:
    names = ["Name", "Exit code", "Run"]
    rows = [dict(zip(names, row, strict=True)) for row in cells]
    headers, widths, gap = output.fitted(names, rows, width)
    assert sum(widths) + gap * 2 <= width
    assert all(len(line) <= widths[i] for i, header in enumerate(headers) for line in header.split("\n"))


def job(state: str, code: int | None = None, error: str = "", **more: Any) -> dict[str, Any]:
    info = {"exitCode": code} if code is not None else {}
    errors = [{"code": error, "message": "words"}] if error else []
    return {
        "name": "j",
        "properties": {"executionState": state, "executionInfo": info | {"errors": errors}} | more,
    }


@cases(
    ("shown", "code"),
    [
        (job("succeeded", 0), 0),
        (job("failed", 7, "JobFailed"), 7),
        (job("failed", -1, "AZFMountError"), 255),
        (job("failed", 256, "JobFailed"), 1),
        (job("failed", 0, "JobFailed"), 125),
        (job("failed", None, "RunnerLost"), 125),
        (job("failed", None, "JobTerminated"), 143),
        (job("Failed", 9), 9),
    ],
)
def test_a_command_that_waited_exits_as_the_job(shown: dict[str, Any], code: int) -> None:
    assert job_status.exit_code(shown) == code


def test_why_a_job_waits() -> None:
    waiting = {"reason": "NoNodeAlive", "message": "no node of cluster w/c is alive", "next": "Start one."}
    since = "2018-06-06T20:26:23.925Z"
    lines = list(job_status.why(job("queued", waiting=waiting, executionStateTransitionTime=since)))
    assert lines == [
        "job j is queued since 2018-06-06 20:26:23 UTC",
        "  NoNodeAlive: no node of cluster w/c is alive",
        "  -> Start one.",
    ]


def test_how_a_job_ended() -> None:
    shown = job("failed", 7, "JobFailed")
    shown["properties"]["executionInfo"] |= {
        "startTime": "2018-06-06T20:26:23.925Z",
        "endTime": "2018-06-06T20:26:25.925Z",
    }
    assert list(job_status.outcome(shown)) == [
        "job j failed with exit code 7 after 2.0 s",
        "  JobFailed: words",
    ]
