"""The containers of accepted and dropped documents."""

from datetime import UTC, datetime

import pytest

from shared.errors import ConflictError, LostOwnershipError, NotFoundError
from shared.names.ids import ClusterId
from shared.stores.accepted_marks import AcceptedMarks, EndedRun, Marked
from shared.stores.document_blobs import Documents
from tests.support.world import World


def documents_of(world: World) -> Documents:
    return world.backend.documents


def test_an_accepted_document_is_written_over_the_version_that_was_read(world: World) -> None:
    documents, name = documents_of(world), f"of-{world.cluster.workspace}"
    documents.put_accepted(name, {"a": "ü"})
    document, etag = documents.read_accepted(name)
    assert document == documents.get_accepted(name) == {"a": "ü"}
    assert name in list(documents.list_accepted())
    documents.replace_accepted(name, {"a": 1}, etag)
    with pytest.raises(LostOwnershipError):
        documents.replace_accepted(name, {"a": 2}, etag)
    documents.delete_accepted(name)
    documents.delete_accepted(name)
    with pytest.raises(NotFoundError):
        documents.get_accepted(name)


def test_accepted_documents_go_with_their_workspace(world: World) -> None:
    documents, own = documents_of(world), world.cluster.workspace
    for name, workspace in ((f"x-{own}-1", own), (f"x-{own}-2", own.upper()), (f"x-{own}-3", "ähem")):
        documents.put_accepted(name, {}, workspace)
    documents.delete_accepted_of(own, f"x-{own}")
    assert [name for name in documents.list_accepted() if name.startswith(f"x-{own}")] == [f"x-{own}-3"]
    documents.delete_accepted_of("ähem", f"x-{own}")
    assert not [name for name in documents.list_accepted() if name.startswith(f"x-{own}")]


def test_what_was_dropped_is_read_overtaken_and_removed(world: World) -> None:
    documents, place = documents_of(world), world.place()
    assert documents.read_dropped(place) is None
    assert not documents.overtaken(place, "0x1"), "what is gone is not overtaken"
    documents.put_dropped(place, {"v": 1})
    first = documents.read_dropped(place)
    assert first is not None and b'"v": 1' in first[0]
    assert not documents.overtaken(place, first[1].strip('"'))
    documents.put_dropped(place, {"v": 2})
    assert documents.overtaken(place, first[1])
    documents.delete_dropped(place, first[1].strip('"'))
    assert documents.read_dropped(place) is not None, "another document lies there now"
    documents.delete_dropped(place)
    documents.delete_dropped(place)
    assert documents.read_dropped(place) is None


def test_a_status_is_written_beside_a_drop_also_over_a_lock(world: World) -> None:
    documents, place = documents_of(world), world.place("locked")
    assert not documents.is_answered(place)
    documents.put_first_status(place, {"n": 1})
    with pytest.raises(ConflictError):
        documents.put_first_status(place, {"n": 2})
    blob = world.backend.connection.blobs.get_blob_client(
        world.settings.jobs_container, f"{world.id('locked')}/status.json"
    )
    blob.acquire_lease()
    documents.put_status(place, {"n": 3})
    assert world.status("locked") == {"n": 3}
    blob.acquire_lease()
    documents.delete_status(place)
    documents.delete_status(place)
    assert not documents.is_answered(place)


def test_a_page_of_drops_shows_names_and_ages(world: World) -> None:
    documents, container = documents_of(world), world.settings.jobs_container
    documents.put_dropped(world.place("paged"), {})
    page = documents.dropped_page(container)
    path = world.place("paged").partition("/")[2]
    ages = [drop.age_seconds for drop in page.found if drop.path == path]
    assert len(ages) == 1 and -1 <= ages[0] < 30
    assert path in list(documents.list_dropped(container))
    assert documents.dropped_page("no-such-container").found == ()


def test_what_is_marked_on_an_accepted_document_is_listed_and_outlives_its_text(world: World) -> None:
    documents, marks = documents_of(world), AcceptedMarks(world.backend.connection)
    name = f"of-{world.cluster.workspace}"
    run = EndedRun(datetime(2026, 11, 29, 12, 0, 0, 123456, tzinfo=UTC), 3, ClusterId("grüppe/ws", "gpus"))

    def listed() -> Marked:
        found, after = marks.page()
        assert after == ""
        return next(one for one in found if one.name == name)

    documents.put_accepted(name, {"a": 1})
    assert (listed().ended, listed().cleared) == (None, False)
    assert -1 <= listed().age_seconds < 30
    marks.mark_ended(name, run)
    _, etag = documents.read_accepted(name)
    documents.replace_accepted(name, {"a": 2}, etag)
    assert (listed().ended, listed().cleared) == (run, False)
    marks.mark_cleared(name)
    assert listed().cleared
    documents.delete_accepted(name)
    marks.mark_cleared(name)
    marks.mark_ended(name, run)
    with pytest.raises(NotFoundError):
        documents.get_accepted(name)


def test_a_status_is_removed_for_the_run_that_it_is_about(world: World) -> None:
    documents, place = documents_of(world), world.place("answered")
    documents.delete_status(place, "mine")
    for others in ({"uuid": "another"}, {"state": "refused"}):
        documents.put_status(place, others)
        documents.delete_status(place, "mine")
        assert world.status("answered") == others
    for mine in ({"uuid": "mine", "state": "failed"}, {}):
        documents.put_status(place, mine)
        documents.delete_status(place, "mine")
        assert not documents.is_answered(place)
