"""Documents checked over HTTP while somebody types them, and shown after they were accepted."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.documents.parse import parse_job
from tests.support.rest_api import CLUSTER, RestApi

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def validate(api: RestApi, workspace: str, text: bytes | dict[str, Any], **query: Any) -> dict[str, Any]:
    body = text if isinstance(text, bytes) else json.dumps(text, indent=2).encode()
    return api.must("POST", f"{workspace}/validate", body, **query)


def test_a_good_document_is_explained_without_its_secrets(api: RestApi, fuzzed: str) -> None:
    document = api.document(fuzzed, secrets=[{"name": "TOKEN", "value": "s3cret-value"}])
    found = validate(api, fuzzed, document, experiment="exp", name="first", gpus=2)
    assert (found["kind"], found["valid"]) == ("job", True)
    assert found["explain"]["gpusPerNode"] == 2
    assert found["explain"]["environment"]["AZ_BATCHAI_JOB_NAME"] == "first"
    assert "$AZ_BATCHAI_JOB_MOUNT_ROOT/afs" in found["explainText"]
    for secret in ("s3cret-value", api.key):
        assert secret not in json.dumps(found)
    assert api.call("GET", f"{fuzzed}/experiments/exp/jobs/first").status_code == 404, "nothing is stored"


def test_each_problem_has_its_line_and_what_would_be_right(api: RestApi, fuzzed: str) -> None:
    text = b'{\n  "properties": {\n    "nodeCount": 0,\n    "custmToolkitSettings": {}\n  }\n}'
    found = validate(api, fuzzed, text)
    assert not found["valid"] and found["explain"] is None and found["explainText"] == ""
    lines = {problem["path"]: problem["line"] for problem in found["problems"]}
    assert lines["$.properties.nodeCount"] == 3 and lines["$.properties.custmToolkitSettings"] == 4
    for problem in found["problems"]:
        assert problem.keys() >= {"severity", "path", "line", "column", "message", "hint"}
    expected = [problem.as_json() for problem in parse_job(text).problems]
    shown = [{k: v for k, v in p.items() if k in e} for p, e in zip(found["problems"], expected, strict=True)]
    assert shown == expected, "the engine of the command"


def test_a_cluster_is_checked_too(api: RestApi, fuzzed: str) -> None:
    assert validate(api, fuzzed, CLUSTER, kind="cluster")["valid"]
    assert not validate(api, fuzzed, CLUSTER, kind="job")["valid"]


@pytest.mark.parametrize("query", [{"kind": "x"}, {"name": "a b"}, {"experiment": "/"}, {"gpus": "x"}])
def test_parameters_that_mean_nothing(api: RestApi, fuzzed: str, query: dict[str, str]) -> None:
    answer = api.call("POST", f"{fuzzed}/validate", b"{}", **query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidQueryParameterValue")


@pytest.mark.parametrize(
    "body",
    [b"", b"\0" * 1000, b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe{}", b"9" * 500_000,
     b"{" + b'"a":1,' * 50_000,
     b'{"properties":{"environmentVariables":[' + b'{"name":"A","value":"$A$A"},' * 9_000 + b"{}]}}",
     b'"' + b"\\ud800" * 1000 + b'"', b'{"properties":{"nodeCount":1e999999}}'],
    ids=["empty", "zeros", "deep", "deep names", "utf-16", "digits", "cut", "variables", "surrogates",
         "huge"],
)  # fmt: skip
def test_hostile_texts_have_problems_and_no_more(api: RestApi, fuzzed: str, body: bytes) -> None:
    found = validate(api, fuzzed, body)
    assert not found["valid"] and found["problems"]


def test_a_body_that_no_document_is_as_large_as(api: RestApi, fuzzed: str) -> None:
    answer = api.call("POST", f"{fuzzed}/validate", b" " * (1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "RequestEntityTooLarge")


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(st.binary(max_size=400), st.sampled_from(["job", "cluster"]))
def test_any_bytes(api: RestApi, fuzzed: str, body: bytes, kind: str) -> None:
    assert validate(api, fuzzed, body, kind=kind)["kind"] == kind


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(st.data())
def test_a_good_text_with_something_cut_out_or_put_in(api: RestApi, fuzzed: str, data: st.DataObject) -> None:
    text = json.dumps(api.document(fuzzed), indent=1).encode()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    validate(api, fuzzed, text[:start] + data.draw(st.binary(max_size=8)) + text[end:])


def test_an_accepted_document_is_shown_with_what_was_remarked(api: RestApi, workspace: str) -> None:
    secret = [{"name": "TOKEN", "value": "s3cret-value"}]
    job = api.job(workspace, secrets=secret, nodeCont=2)
    shown = api.must("GET", f"{job}/document")
    document = json.loads(shown["document"])
    assert document["properties"]["nodeCount"] == 1
    assert "s3cret-value" not in shown["document"] and api.key not in shown["document"]
    remark = next(problem for problem in shown["problems"] if "nodeCont" in problem["path"])
    assert remark["severity"] in ("warning", "note")
    assert shown["document"].splitlines()[remark["line"] - 1].strip() in (
        '"properties": {',
        "{",
        '"nodeCont": 2',
    )
    api.finish(api.claim(workspace))
    run = api.must("GET", f"{job}/runs")["value"][0]["name"]
    assert api.must("GET", f"{job}/runs/{run}/document") == shown


def test_the_document_of_no_job(api: RestApi, workspace: str) -> None:
    answer = api.call("GET", f"{workspace}/experiments/experiment/jobs/none/document")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "JobNotFound")
