"""Documents as somebody types them: nothing is too broken to be checked."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.documents.parse import DocumentSettings
from shared.errors import Severity
from shared.explain.check import KINDS, STAND_IN_KEY, checked, explained, guessed_kind
from shared.explain.explanation import Places
from shared.explain.text import Page, job_text, lines
from shared.names.ids import Scope

SETTINGS = DocumentSettings("account", STAND_IN_KEY)
JOB: dict[str, Any] = {
    "nodeCount": 1,
    "stdOutErrPathPrefix": "$AZ_BATCHAI_JOB_TEMP",
    "customToolkitSettings": {"commandLine": "python train.py"},
    "secrets": [{"name": "TOKEN", "value": "s3cret-value"}],
}


def text_of(properties: dict[str, Any]) -> bytes:
    return json.dumps({"properties": properties}, indent=1).encode()


def test_a_good_job_is_explained() -> None:
    found = checked(text_of(JOB), "job", SETTINGS, places=Places(Scope("s", "g"), "w", "e", "j"), gpus=4)
    assert found.valid and found.job
    assert found.job["gpusPerNode"] == 4
    assert found.job["environment"]["AZ_BATCHAI_JOB_NAME"] == "j"
    text = job_text(found.job, 80)
    assert "python train.py" in text and not text.startswith("\n")
    assert max(map(len, text.splitlines())) <= 80
    assert "s3cret-value" not in text + json.dumps(found.job)


def test_every_problem_has_its_line() -> None:
    found = checked(b'{\n "properties": {\n  "nodeCount": 0\n }\n}', "job", SETTINGS)
    assert not found.valid and found.job is None
    assert [problem.line for problem in found.problems if problem.path == "$.properties.nodeCount"] == [3]


def test_a_job_that_cannot_be_launched_is_not_valid() -> None:
    folders = {"pathPrefix": "$AZ_BATCHAI_JOB_TEMP/$A", "id": "X"}
    found = checked(text_of(JOB | {"nodeCount": 2, "outputDirectories": [folders]}), "job", SETTINGS)
    assert found.valid == (found.job is not None)


def test_a_cluster_has_problems_and_no_explanation() -> None:
    found = checked(b'{"properties": {"vmSize": []}}', "cluster", SETTINGS)
    assert (found.kind, found.valid, found.job) == ("cluster", False, None)
    good = {"vmSize": "STANDARD_NC6", "scaleSettings": {"manual": {"targetNodeCount": 1}}}
    good["userAccountSettings"] = {"adminUserName": "me", "adminUserSshPublicKey": "ssh-rsa A"}
    assert checked(text_of(good), "cluster", SETTINGS).valid


@pytest.mark.parametrize(
    ("data", "kind"),
    [(text_of(JOB), "job"), (text_of({"vmSize": "x"}), "cluster"), (b"{", None), (b"[]", None),
     (text_of({"dataDisks": {}}), None)],
)  # fmt: skip
def test_the_kind_shows_in_the_content(data: bytes, kind: str | None) -> None:
    assert guessed_kind(data, SETTINGS.max_bytes) == kind


def test_as_if_there_were_more_nodes() -> None:
    found = explained(text_of(JOB), SETTINGS, 3, 1, "")
    assert found.job and len(found.job["nodes"]) == 3
    wrong = explained(text_of(JOB), SETTINGS, -1, 1, "")
    assert {(p.line, p.column) for p in wrong.problems if p.severity is Severity.ERROR} == {(0, 0)}


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_text_has_an_answer(data: bytes) -> None:
    for kind in KINDS:
        found = checked(data, kind, SETTINGS)
        json.dumps([problem.as_json() for problem in found.problems])
        assert found.valid or found.problems


NAMES = st.sampled_from([*JOB, "mountVolumes", "id", "\ud800"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=15,
)


@given(VALUES)
def test_any_value_for_any_member(value: Any) -> None:
    for name in JOB:
        found = checked(text_of(JOB | {name: value}), "job", SETTINGS)
        assert found.valid == (found.job is not None)


def test_lines_of_a_whole_explanation_have_no_blanks_at_their_ends() -> None:
    found = checked(
        text_of(JOB | {"environmentVariables": [{"name": "A", "value": "x" * 300}]}), "job", SETTINGS
    )
    fields = {
        "file": "f\x1b",
        "accepted": True,
        "problems": [p.as_json() for p in found.problems],
        "job": found.job,
    }
    written = ["".join(text for text, _ in line) for line in lines(fields, 40)]
    assert all(line == line.rstrip() for line in written)
    assert "\x1b" not in "".join(written)


def test_a_file_server_and_paths_outside_of_the_jobs_own_folders() -> None:
    server = {"fileServer": {"id": "10.0.0.9"}, "sourceDirectory": "data", "relativeMountPath": "nfs"}
    found = checked(
        text_of(
            JOB
            | {
                "mountVolumes": {"fileServers": [server]},
                "inputDirectories": [{"id": "ROOT", "path": "/data/in"}, {"id": "NONE", "path": "$NOWHERE"}],
            }
        ),
        "job",
        SETTINGS,
    )
    assert found.job, found.problems
    text = job_text(found.job, 100)
    assert "10.0.0.9:data" in text and "/data/in" in text
    page = Page(20)
    page.line("")
    assert page.lines == [()]
