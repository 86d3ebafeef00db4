"""`--ids`: what ARM ids say, and the ways in which scripts hand them over."""

import io

import pytest

from cli.faults import Fault
from cli.resource_ids import listed, parts

WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.BatchAI/workspaces/w"
JOB = f"{WORKSPACE}/experiments/e/jobs/j"
SCOPE = {"subscription_id": "s", "resource_group": "g"}


def test_an_id_says_where_and_who() -> None:
    assert parts("workspace", WORKSPACE) == SCOPE | {"name": "w"}
    assert parts("job", JOB) == SCOPE | {"workspace": "w", "experiment": "e", "name": "j"}
    assert parts("cluster", f"{WORKSPACE}/clusters/c/") == SCOPE | {"workspace": "w", "name": "c"}
    odd = JOB.replace("resourceGroups", "resourcegroups").replace("Microsoft.BatchAI", "microsoft.batchai")
    assert parts("job", odd)["name"] == "j"


@pytest.mark.parametrize("arm_id", ["j", WORKSPACE, f"{WORKSPACE}/clusters/c", f"{JOB}/runs/r", "", "-y"])
def test_the_id_of_something_else_is_refused(arm_id: str) -> None:
    with pytest.raises(Fault, match="is not the id of a job") as fault:
        parts("job", arm_id)
    assert "/workspaces/<workspace>/experiments/<experiment>/jobs/<name>" in fault.value.hint


def test_ids_come_as_words_lines_json_and_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed(["/a", "/b\n/c\n"]) == ["/a", "/b", "/c"]
    assert listed(['[{"id": "/a", "name": "x"}, "/b"]', '{"id": "/c"}']) == ["/a", "/b", "/c"]
    monkeypatch.setattr("sys.stdin", io.StringIO("/a\n/b\n"))
    assert listed(["@-"]) == ["/a", "/b"]
    with pytest.raises(Fault, match="without an id"):
        listed(['{"name": "x"}'])
