import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.names.ids import (
    PRIORITIES,
    ClusterId,
    JobId,
    Scope,
    cluster_from_arm_id,
    cluster_from_blob_path,
    cluster_from_text,
    job_from_blob_path,
    name_fault,
    printable,
    queue_name,
)
from tests.support.cases import cases

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
SCOPE = Scope("sub", "own")
#: The service's rule: 3 to 63 of [a-z0-9-], a letter or digit at both ends, no two dashes in a row.
QUEUE = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")


@given(NAMES, NAMES, st.sampled_from(PRIORITIES))
def test_queue_names_are_what_the_service_takes(workspace: str, cluster: str, priority: str) -> None:
    assert QUEUE.fullmatch(queue_name(ClusterId(workspace, cluster), priority))


@given(
    st.lists(st.tuples(NAMES, NAMES), min_size=2, max_size=6, unique_by=lambda p: (p[0] + "/" + p[1]).lower())
)
def test_unlike_clusters_have_unlike_queues(pairs: list[tuple[str, str]]) -> None:
    names = {queue_name(ClusterId(*pair), priority) for pair in pairs for priority in PRIORITIES}
    assert len(names) == 3 * len(pairs)


@pytest.mark.parametrize(
    ("one", "other"), [(("a_b", "c"), ("a-b", "c")), (("ws", "g_1"), ("ws", "g-1")), (("a", "-"), ("a", "_"))]
)
def test_names_that_look_alike_in_a_queue_name_stay_apart(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert queue_name(ClusterId(*one), "low") != queue_name(ClusterId(*other), "low")


def test_case_makes_no_other_queue() -> None:
    assert queue_name(ClusterId("WS", "Gpu"), "low") == queue_name(ClusterId("ws", "gpu"), "low")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("ws/exp/job/job.json", JobId("ws", "exp", "job")),
        ("exp/job/job.json", JobId("dw", "exp", "job")),
        ("job/job.json", JobId("dw", "de", "job")),
        ("A-1/b_2/C/job.json", JobId("A-1", "b_2", "C")),
        ("my.group/ws/exp/job/job.json", JobId("my.group/ws", "exp", "job")),
        ("OWN/ws/exp/job/job.json", JobId("ws", "exp", "job")),
    ],
)
def test_blob_paths_name_jobs(path: str, expected: JobId) -> None:
    assert job_from_blob_path(path, "dw", "de", SCOPE) == expected


@cases(
    ("path", "words"),
    [
        ("job.json", "0 folders"),
        ("a/b/c/d/e/job.json", "5 folders"),
        ("a group/ws/exp/job/job.json", "resource group name 'a group'"),
        ("../ws/exp/job/job.json", "resource group name"),
        ("ws/exp/job/status.json", "must be called job.json"),
        ("ws/my exp/job/job.json", "experiment name 'my exp'"),
        ("ws//job/job.json", "experiment name is empty"),
        ("ws/exp/../job.json", "job name '..'"),
        ("ws/exp/job\n/job.json", "job name"),
        ("ws/exp/é/job.json", "job name"),
        ("w s/e s/j s/job.json", "'w s'.*'e s'.*'j s'"),
        (f"{'x' * 65}/job.json", "1 to 64"),
    ],
)
def test_wrong_places_are_reported(path: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        job_from_blob_path(path, "dw", "de", SCOPE)


def test_blob_paths_name_clusters() -> None:
    assert cluster_from_blob_path("ws/gpu/cluster.json", "dw", SCOPE) == ClusterId("ws", "gpu")
    assert cluster_from_blob_path("gpu/cluster.json", "dw", SCOPE) == ClusterId("dw", "gpu")
    assert cluster_from_blob_path("g/ws/gpu/cluster.json", "dw", SCOPE) == ClusterId("g/ws", "gpu")
    with pytest.raises(ValueError, match="4 folders"):
        cluster_from_blob_path("a/b/c/d/cluster.json", "dw", SCOPE)


def test_where_one_group_is_served_a_path_shows_none() -> None:
    only = replace(SCOPE, any_group=False)
    with pytest.raises(ValueError, match="4 folders"):
        job_from_blob_path("own/ws/exp/job/job.json", "dw", "de", only)
    with pytest.raises(ValueError, match="3 folders"):
        cluster_from_blob_path("own/ws/gpu/cluster.json", "dw", only)
    with pytest.raises(ValueError, match="the resource group own only"):
        cluster_from_text("other/ws/gpu", "dw", only)
    assert cluster_from_text("own/ws/gpu", "dw", only) == ClusterId("ws", "gpu")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpu", ClusterId("dw", "gpu")),
        ("ws/gpu", ClusterId("ws", "gpu")),
        ("own/ws/gpu", ClusterId("ws", "gpu")),
        ("my.group/ws/gpu", ClusterId("my.group/ws", "gpu")),
    ],
)
def test_people_name_clusters(text: str, expected: ClusterId) -> None:
    assert cluster_from_text(text, "dw", SCOPE) == expected
    assert cluster_from_text(str(expected), "dw", SCOPE) == expected


@pytest.mark.parametrize("text", ["", "a/", "/a", "a/b/c/d", "../w/c", "g./w/c", "w/c d"])
def test_people_name_no_cluster(text: str) -> None:
    with pytest.raises(ValueError, match=r"cluster|group|workspace"):
        cluster_from_text(text, "dw", SCOPE)


GROUPS = st.from_regex(r"[A-Za-z0-9._-]{0,8}[A-Za-z0-9_-]", fullmatch=True)


@given(GROUPS, NAMES, NAMES, NAMES)
def test_ids_of_any_group_lead_back(group: str, workspace: str, experiment: str, name: str) -> None:
    message = SCOPE.workspace_in(group, workspace)
    cluster, job = ClusterId(message, name), JobId(message, experiment, name)
    arm = SCOPE.cluster(cluster)
    assert f"/resourcegroups/{group}/providers/".lower() in arm.lower()
    assert f"/workspaces/{workspace}/clusters/" in arm
    assert cluster_from_arm_id(arm, SCOPE, "elsewhere/w") == cluster
    assert cluster_from_blob_path(f"{cluster}/cluster.json", "dw", SCOPE) == cluster
    assert job_from_blob_path(f"{job}/job.json", "dw", "de", SCOPE) == job


def test_the_group_of_an_id_that_is_older_than_the_installation_says_nothing() -> None:
    old = "/subscriptions/former/resourceGroups/old/providers/Microsoft.BatchAI/workspaces/w/clusters/c"
    assert cluster_from_arm_id(old, SCOPE, "ws") == ClusterId("w", "c")
    assert cluster_from_arm_id(old, SCOPE, "g/ws") == ClusterId("g/w", "c")
    ours = old.replace("former", "SUB")
    assert cluster_from_arm_id(ours, SCOPE, "ws") == ClusterId("old/w", "c")
    assert cluster_from_arm_id(ours, replace(SCOPE, any_group=False), "ws") == ClusterId("w", "c")
    assert cluster_from_arm_id(ours.replace("old", ".."), SCOPE, "ws") is None


@given(NAMES, NAMES, NAMES)
def test_arm_ids_lead_back(workspace: str, cluster: str, group: str) -> None:
    scope = Scope("0" * 8, group)
    assert cluster_from_arm_id(scope.cluster(ClusterId(workspace, cluster))) == ClusterId(workspace, cluster)


def test_arm_ids_have_the_form_of_the_original() -> None:
    scope = Scope("sub", "rg")
    assert scope.job(JobId("ws", "exp", "j")) == (
        "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.BatchAI/workspaces/ws/experiments/exp/jobs/j"
    )
    lower = scope.cluster(ClusterId("ws", "gpu")).lower()
    assert cluster_from_arm_id(lower) == ClusterId("ws", "gpu")
    assert cluster_from_arm_id(lower + "/") == ClusterId("ws", "gpu")


@pytest.mark.parametrize(
    "text", ["", "gpu", "/subscriptions/s/resourceGroups/g/providers/Microsoft.BatchAI/clusters/c", "x\n"]
)
def test_other_texts_are_no_arm_id(text: str) -> None:
    assert cluster_from_arm_id(text) is None


@pytest.mark.parametrize("name", ["a", "A-b_9", "x" * 64])
def test_good_names(name: str) -> None:
    assert name_fault("job", name) is None


@cases("name", ["", "x" * 65, "a b", "a/b", "a\n", "a\x00", "ä", "a|b", ".", "\u0661"])
def test_bad_names(name: str) -> None:
    assert name_fault("job", name)


def test_printable_shows_no_control_characters() -> None:
    assert printable("a\nb\x1b[31m") == "'a\\nb\\x1b[31m'"
    assert len(printable("x" * 1000)) < 100


def test_the_root_of_a_scope_is_its_own_resource_group() -> None:
    assert SCOPE.root == "/subscriptions/sub/resourceGroups/own"
