"""Generated requests over every route: an answer in ARM's form, never a 5xx."""

import json
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.routes import METHODS
from tests.support.rest_api import CLUSTER, VERSION, RestApi

_SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=_SLOW)
WORDS = st.sampled_from([
    "properties", "location", "tags", "scaleSettings", "manual", "autoScale", "targetNodeCount", "nodeCount",
    "cluster", "id", "mountVolumes", "azureFileShares", "stdOutErrPathPrefix", "customToolkitSettings",
    "commandLine", "secrets", "vmSize", "sshConfiguration", "userAccountSettings", "dataDisks",
    "mountSettings", "nodeSetup", "constraints",
])  # fmt: skip
ODD = st.sampled_from(["\ud800", "\x00", "9" * 400])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | ODD
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(), inner, max_size=6),
    max_leaves=25,
)
# The thin host's web framework has no route for a path with a line feed.
_TEXTS = st.text(min_size=1, max_size=70).filter(lambda text: "\n" not in text)
NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True) | _TEXTS
_PARAMETERS = (
    "maxresults $skiptoken outputdirectoryid directory linkexpiryinminutes t x state prefix createdafter "
    "kind name experiment gpus offset maxbytes"
)
QUERIES = st.dictionaries(
    st.sampled_from(_PARAMETERS.split()), st.text(max_size=80) | st.integers().map(str), max_size=4
)
KINDS = st.sampled_from(["clusters", "fileServers", "experiments/experiment/jobs"])


def judge(answer: httpx.Response) -> None:
    assert answer.status_code < 500, (answer.request.method, answer.request.url, answer.text)
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        error = answer.json()["error"]
        assert error["code"] and error["message"]


def filled(route: str, names: list[str], scope: Any) -> str:
    path = route.replace("{subscription}", scope.subscription_id).replace(
        "{resource_group}", scope.resource_group
    )
    for name in names:
        start, end = path.find("{"), path.find("}")
        if start < 0:
            break
        path = path[:start] + httpx.URL("http://x/", params={"n": name}).query.decode()[2:] + path[end + 1 :]
    return "/" + path


@QUICK
@given(
    st.sampled_from(sorted(METHODS)),
    st.sampled_from(["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
    st.lists(NAMES, min_size=4, max_size=4),
    QUERIES,
)
def test_any_address_and_query(
    api: RestApi, route: str, method: str, names: list[str], query: dict[str, str]
) -> None:
    path = filled(route, names, api.backend.settings.scope)
    judge(api.http.request(method, api.url + path, params={"api-version": VERSION} | query))


@QUICK
@given(
    VALUES, st.sampled_from(["", "/clusters/fuzz", "/fileServers/fuzz", "/experiments/experiment/jobs/fuzz"])
)
def test_any_json(api: RestApi, fuzzed: str, value: Any, inner: str) -> None:
    body = json.dumps(value).encode()
    judge(api.call("PUT", fuzzed + inner, body))
    judge(api.call("PATCH", fuzzed + inner, body))


@QUICK
@given(st.dictionaries(WORDS, VALUES, max_size=6), KINDS)
def test_a_good_document_with_a_member_gone_wrong(
    api: RestApi, fuzzed: str, wrong: dict[str, Any], kind: str
) -> None:
    good = CLUSTER if kind != "experiments/experiment/jobs" else api.document(fuzzed)
    judge(api.call("PUT", f"{fuzzed}/{kind}/fuzz", {"properties": good["properties"] | wrong}))
    judge(api.call("GET", f"{fuzzed}/{kind}/fuzz"))
    judge(api.call("DELETE", f"{fuzzed}/{kind}/fuzz"))
