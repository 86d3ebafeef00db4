"""Submit: once per document, refused under a live job's name, a new run under an ended one's."""

from typing import Any

import pytest

from shared.errors import NotFoundError
from shared.jobs.model import State
from shared.managers.admission import Source
from shared.names.ids import JobId
from tests.support.world import World, document


def test_an_accepted_drop_is_a_row_a_message_and_a_status(world: World) -> None:
    job = world.accept()
    assert job.state is State.QUEUED
    assert world.job().uuid == job.uuid
    assert world.messages() == 1
    status = world.status()
    assert (status["state"], status["uuid"]) == ("queued", job.uuid)


def test_delivered_twice_is_one_job(world: World) -> None:
    first, again = world.accept(), world.accept()
    assert first.uuid == again.uuid
    claim = world.must_claim()
    assert world.claim() is None, "the second message is a duplicate"
    world.finish(claim)
    assert world.claim() is None
    assert world.messages() == 0


def test_delivered_again_after_its_end_runs_no_second_time(world: World) -> None:
    world.accept()
    world.finish(world.must_claim())
    again = world.accept()
    assert again.state is State.SUCCEEDED
    assert world.claim() is None
    assert world.status()["state"] == "succeeded"


def test_dropped_again_unchanged_while_it_lives_is_the_same_run(world: World) -> None:
    first = world.accept(etag="0x1")
    again = world.accept(etag="0x2")
    assert again.uuid == first.uuid
    assert world.submit(etag="0x2").accepted


def test_a_different_document_under_a_live_name_is_refused(world: World) -> None:
    first = world.accept()
    world.must_claim()
    answer = world.submit(data=document("false"), etag="0x2")
    assert not answer.accepted
    status = world.status()
    assert status["state"] == "refused"
    assert first.uuid in status["problems"][0]["message"]
    assert "another job name" in status["problems"][0]["hint"]
    assert world.job().uuid == first.uuid
    assert world.messages() == 1


def test_under_an_ended_name_a_drop_is_a_new_run_and_the_old_one_stays_in_the_history(world: World) -> None:
    first = world.accept(etag="0x1")
    world.finish(world.must_claim())
    second = world.accept(etag="0x2")
    assert second.uuid != first.uuid
    assert second.state is State.QUEUED
    history = list(world.stores.jobs.list_runs(world.id()))
    assert [(run.uuid, run.state) for run in history] == [(first.uuid, State.SUCCEEDED)]
    world.finish(world.must_claim())
    runs = [run.uuid for run in world.manager.runs(world.id())]
    assert sorted(runs) == sorted([first.uuid, second.uuid])


def test_a_third_run_of_the_same_document_is_a_third_uuid(world: World) -> None:
    uuids = []
    for etag in ("0x1", "0x2", "0x3"):
        uuids.append(world.accept(etag=etag).uuid)
        world.finish(world.must_claim())
    assert len(set(uuids)) == 3


def test_names_in_another_case_are_the_same_job(world: World) -> None:
    first = world.accept("Job")
    other = world.submit("JOB", document("false"), etag="0x2")
    assert not other.accepted
    assert world.job("job").uuid == first.uuid


def test_a_faulty_document_leaves_only_its_answer(world: World) -> None:
    answer = world.submit(data=b'{"properties": {"nodeCount": "many"}}')
    assert not answer.accepted
    status = world.status()
    assert status["state"] == "refused"
    assert len(status["problems"]) >= 2
    assert world.messages() == 0
    with pytest.raises(NotFoundError):
        world.job()


def test_an_unknown_cluster_is_reported_with_the_place_for_its_document(world: World) -> None:
    answer = world.submit(data=document(cluster={"id": "nowhere"}))
    assert not answer.accepted
    problem = world.status()["problems"][0]
    assert "'nowhere'" in problem["message"]
    assert "cluster.json" in problem["hint"]


def test_a_cluster_of_another_workspace_takes_guests_and_the_sweeper_sees_them(world: World) -> None:
    guest = JobId(f"{world.settings.default_workspace}-guest", "exp", "job")
    arm_id = world.settings.scope.cluster(world.cluster)
    source = Source(f"jobs/{guest}/job.json", "0x1")
    assert world.manager.submit(guest, document(cluster={"id": arm_id}), source).accepted
    assert [entry.id for entry in world.manager.live(world.cluster)] == [guest]
    claim = world.must_claim()
    assert claim.job.id == guest


def test_a_document_with_very_many_remarks_is_accepted(world: World) -> None:
    """The row holds what fits into a column and stays readable."""
    odd: dict[str, Any] = {f"{'unknown' * 60}{i}": 1 for i in range(100)}
    job = world.accept(data=document(**odd))
    assert world.claim() is not None
    assert world.job().uuid == job.uuid
    assert world.manager.get(world.id()).problems.endswith("]")


def test_a_large_document_is_stored_whole(world: World) -> None:
    command = "echo " + "x" * 100_000
    world.accept(data=document(command))
    claim = world.must_claim()
    settings = claim.spec.custom_toolkit_settings
    assert settings is not None
    assert settings.command_line == command
    assert world.finish(claim).state is State.SUCCEEDED
