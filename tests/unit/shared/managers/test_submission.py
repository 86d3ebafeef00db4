"""Submission: what is refused, why, and that nothing else is written then."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.jobs.model import Outcome, Reason, State
from shared.managers import cluster_manager
from shared.managers.admission import Source, http_source
from shared.managers.submission import Fault, Submission
from tests.support.memory.faults import Call
from tests.support.memory.world import MemoryWorld, memory_world
from tests.support.world import document


@pytest.fixture
def world() -> MemoryWorld:
    return memory_world()


def by_http(world: MemoryWorld, data: bytes, name: str = "job") -> Submission:
    answer: Submission = world.manager.submit(
        world.id(name), data, http_source(world.settings, world.id(name), "ann@contoso.com")
    )
    return answer


def test_who_submitted_stays_with_the_job_through_every_attempt(world: MemoryWorld) -> None:
    assert by_http(world, document()).accepted
    world.accept("dropped")
    claim = world.must_claim()
    world.finish(claim)
    assert (world.job().submitted_by, world.job("dropped").submitted_by) == ("ann@contoso.com", "storage")
    claim = world.must_claim()
    world.backend.attempts.finish(claim.job, claim.lease, Outcome(Reason.RUNNER_LOST))
    assert (world.job("dropped").state, world.job("dropped").submitted_by) == (State.QUEUED, "storage")


def test_who_sends_the_same_document_once_more_has_not_submitted_it(world: MemoryWorld) -> None:
    by_http(world, document())
    bob = http_source(world.settings, world.id(), "bob@contoso.com")
    assert world.manager.submit(world.id(), document(), bob).known
    assert world.job().submitted_by == "ann@contoso.com"


def writes_status(call: Call) -> bool:
    return call.service == "blob" and call.writes and call.name.endswith("/status.json")


def test_nothing_is_left_of_a_job_that_is_deleted_while_its_copy_is_noticed(world: MemoryWorld) -> None:
    by_http(world, document())
    world.faults.meanwhile(writes_status, lambda: world.manager.delete(world.id()))
    world.manager.acknowledge(world.id())
    assert (world.job_or_none(), world.status()) == (None, {})


def test_a_job_that_continues_while_its_copy_is_noticed_is_reported_as_it_is(world: MemoryWorld) -> None:
    by_http(world, document())
    world.faults.meanwhile(writes_status, world.must_claim)
    world.manager.acknowledge(world.id())
    assert world.status()["state"] == world.job().state == State.RUNNING


def test_use_is_reported_by_who_submitted(world: MemoryWorld) -> None:
    by_http(world, document(), "one")
    by_http(world, document(), "two")
    world.accept("dropped")
    began = world.clock()
    claim = world.must_claim()
    world.clock.move(30)
    world.finish(claim)
    uses = world.backend.usage.of(world.cluster.workspace, "user", began)
    assert [(use.name, use.jobs, use.attempts) for use in uses] == [
        ("ann@contoso.com", 2, 1),
        ("storage", 1, 0),
    ]


def accepted_documents(world: MemoryWorld) -> list[str]:
    return [name for name in world.backend.documents.list_accepted() if not name.startswith("cluster-")]


def refused(world: MemoryWorld, answer: Submission, fault: Fault) -> str:
    """The reason, in words; status.json beside the file has it too."""
    assert (answer.accepted, answer.job, answer.fault) == (False, None, fault)
    assert world.status()["problems"], "the drop is answered"
    return " ".join(str(problem) for problem in answer.problems)


def test_a_document_that_cannot_run_is_refused_and_nothing_else_is_written(world: MemoryWorld) -> None:
    calls: list[Call] = world.calls(lambda: world.submit(data=document(nodeCount=0)))
    assert [call.name for call in calls if call.writes] == [f"{world.place().rpartition('/')[0]}/status.json"]
    assert "nodeCount" in refused(world, world.submit(data=document(nodeCount=0)), Fault.DOCUMENT)
    assert (world.job_or_none(), world.messages(), accepted_documents(world)) == (None, 0, [])


def test_over_http_nothing_at_all_is_written(world: MemoryWorld) -> None:
    calls = world.calls(lambda: by_http(world, document(nodeCount=0)))
    assert not [call for call in calls if call.writes]


@pytest.mark.parametrize(
    ("cluster", "fault"),
    [("nowhere", Fault.NO_CLUSTER), ("/subscriptions/x", Fault.DOCUMENT), ("no name at all", Fault.DOCUMENT)],
)
def test_a_cluster_that_there_is_not(world: MemoryWorld, cluster: str, fault: Fault) -> None:
    refused(world, world.submit(data=document(cluster={"id": cluster})), fault)
    assert (world.job_or_none(), world.messages()) == (None, 0)


def test_a_cluster_that_is_being_deleted_takes_no_job(world: MemoryWorld) -> None:
    world.backend.cluster_manager.begin_deletion(world.cluster)
    world.restart()
    refused(world, world.submit(), Fault.NO_CLUSTER)
    assert (world.job_or_none(), world.messages()) == (None, 0)


def test_a_name_that_a_job_has_which_lives_is_taken_and_the_job_continues(world: MemoryWorld) -> None:
    first = world.accept()
    answer = world.submit(data=document("other"), etag="0x2")
    assert "is queued in experiment 'exp'" in refused(world, answer, Fault.NAME_TAKEN)
    assert world.job() == first
    assert len(accepted_documents(world)) == 1, "what was stored for the refused one is removed"


def test_over_http_a_name_is_taken_by_a_job_that_has_ended_too(world: MemoryWorld) -> None:
    assert by_http(world, document()).accepted
    world.finish(world.must_claim())
    answer = by_http(world, document("other"))
    assert (answer.accepted, answer.fault) == (False, Fault.NAME_TAKEN)
    assert world.job().state is State.SUCCEEDED


def test_a_name_whose_job_is_being_deleted_is_refused_until_it_is_gone(world: MemoryWorld) -> None:
    world.accept()
    claim = world.must_claim()
    world.manager.delete(world.id())
    answer = world.submit(data=document("other"), etag="0x2")
    assert "is being deleted" in refused(world, answer, Fault.BEING_DELETED)
    deleted = world.backend.attempts.renew(claim.job, claim.lease)[1]
    world.finish(replace(claim, job=deleted))
    assert world.submit(data=document("other"), etag="0x2").accepted


def test_an_experiment_that_is_being_deleted_takes_no_job(world: MemoryWorld) -> None:
    world.accept("first")
    world.must_claim()
    world.backend.cascading_deletion.delete_experiment("ws", "exp")
    world.restart()
    refused(world, world.submit(), Fault.BEING_DELETED)
    assert world.job_or_none() is None


def test_a_workspace_that_is_being_deleted_takes_no_job_in_a_new_experiment(world: MemoryWorld) -> None:
    world.accept("first")
    world.must_claim()
    world.backend.cascading_deletion.delete_workspace("ws")
    world.restart()
    job = replace(world.id(), experiment="new")
    source = Source(f"{world.settings.jobs_container}/{job}/job.json", "0x1")
    answer = world.manager.submit(job, document(), source)
    assert (answer.accepted, answer.fault) == (False, Fault.BEING_DELETED)


def test_a_cluster_of_too_many_workspaces_takes_no_more(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_manager, "MOST_GUESTS", 1)
    arm_id = world.settings.scope.cluster(world.cluster)

    def from_workspace(name: str) -> Submission:
        guest = replace(world.id(), workspace=name)
        source = Source(f"{world.settings.jobs_container}/{guest}/job.json", "0x1")
        answer: Submission = world.manager.submit(guest, document(cluster={"id": arm_id}), source)
        return answer

    assert from_workspace("one").accepted
    assert from_workspace("one").accepted
    second = from_workspace("two")
    assert (second.accepted, second.fault) == (False, Fault.TOO_MANY)
    assert "runs jobs of 1 other workspaces already" in str(second.problems[-1])


def test_the_refusal_of_an_older_drop_does_not_stand_beside_a_newer_one(world: MemoryWorld) -> None:
    place = world.place()
    world.backend.documents.put_dropped(place, json.loads(document("newer")))
    calls = world.calls(lambda: world.submit(data=document(nodeCount=0), etag="0xold"))
    assert not [call for call in calls if call.writes]


def writes_a_row(call: Call) -> bool:
    return call.service == "table" and call.writes and call.name.startswith("jobs/")


def test_a_row_that_appears_meanwhile_with_the_same_document_is_the_job(world: MemoryWorld) -> None:
    world.faults.meanwhile(writes_a_row, lambda: world.accept())
    assert world.submit().known is False
    assert (world.job().attempt, len(accepted_documents(world))) == (0, 1)
    assert world.must_claim().job.uuid == world.job().uuid


@pytest.mark.parametrize(
    "meant",
    [
        writes_a_row,
        lambda call: call.service == "blob" and call.writes,
        lambda call: call.service == "queue" and call.verb == "send",
    ],
    ids=["row", "document", "message"],
)
def test_storage_that_is_busy_leaves_what_the_next_delivery_completes(
    world: MemoryWorld, meant: Callable[[Call], bool]
) -> None:
    world.faults.throttle(meant)
    with pytest.raises(Exception, match="503"):
        world.submit()
    assert world.submit().accepted
    assert world.must_claim().job.attempt == 1
    assert world.messages() == 1
