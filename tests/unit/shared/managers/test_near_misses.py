"""shared.managers.near_misses: what was probably meant to be read, and what is anybody's."""

import pytest

from shared.managers.near_misses import CLUSTERS, JOBS, Unread, unread


def _jobs(*paths: str) -> Unread:
    return unread(paths, JOBS, CLUSTERS, "clusters")


@pytest.mark.parametrize(
    ("path", "reported", "hint"),
    [
        (
            "job.json",
            "job.json is not read at the root of the container",
            "Move it to <job>/job.json or <work",
        ),
        ("ws/exp/j/Job.json", "'Job.json' is not read", "Call it job.json"),
        ("j/JOB.JSON", "'JOB.JSON' is not read", "Call it job.json"),
        ("j/job.json.txt", "'job.json.txt' is not read", "Call it job.json"),
        ("j/jobs.json", "'jobs.json' is not read", "Call it job.json"),
        ("Job.json", "'Job.json' is not read", "Call it job.json, as in <job>/job.json"),
        ("ws/c/cluster.json", "cluster.json is not read in this container", "to the container clusters"),
    ],
)
def test_a_near_miss_shows_what_would_be_read(path: str, reported: str, hint: str) -> None:
    found = _jobs(path)
    assert [place for place, _ in found.near] == [path]
    problem = found.near[0][1]
    assert problem.message.startswith(reported) and hint in problem.hint
    assert found.foreign == ()


@pytest.mark.parametrize(
    "paths",
    [
        ("ws/exp/j/job.json",),
        ("ws/exp/j/job.json", "ws/exp/j/Job.json", "ws/exp/j/parameters.json"),  # has what is read
        ("ws/exp/j/Job.json", "ws/exp/j/status.json"),  # answered already, or somebody's own file
        ("job.json", "status.json"),
        ("data/train.py", "data/images/1.png", "notes.txt"),
        ("data/sets/large/annotations/1.json",),  # deeper than any document
        ("../x/Job.json", "a/./Job.json"),
    ],
)
def test_nothing_is_said_of_what_is_answered_or_anybodys(paths: tuple[str, ...]) -> None:
    assert _jobs(*paths) == Unread((), ())


def test_other_documents_are_foreign_where_a_document_could_lie() -> None:
    found = _jobs("other.json", "ws/exp/j/other.json", "ws/exp/j/train.py", "a/b/c/d/deep.json")
    assert found.foreign == ("other.json", "ws/exp/j/other.json")
    assert found.near == ()


def test_one_answer_for_each_folder() -> None:
    assert len(_jobs("j/Job.json", "j/jobs.json").near) == 1


def test_clusters_are_judged_by_their_own_name() -> None:
    found = unread(["c/Cluster.json", "d/job.json", "e/x.json"], CLUSTERS, JOBS, "jobs")
    assert [place for place, _ in found.near] == ["c/Cluster.json", "d/job.json"]
    assert "to the container jobs" in found.near[1][1].hint
    assert found.foreign == ("e/x.json",)
