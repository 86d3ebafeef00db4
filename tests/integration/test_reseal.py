"""Changing the sealing key: both keys open, the first seals, what is stored follows, the old one is
removed."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from local import azurite as azurite_process
from shared import reseal
from shared.backend import provision
from shared.documents.secret_references import secret_values
from shared.errors import StoreError
from shared.jobs.model import State
from shared.settings import Settings
from shared.stores.document_blobs import Documents
from shared.stores.secrets.sealing import Sealer
from tests.support.world import CLUSTER, World, document, settings_for
from tests.support.world import world as open_world

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
SECRET = [{"name": "TOKEN", "value": "swordfish"}]


@pytest.fixture(scope="module")
def own_azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A storage account of its own: everything accepted in it is sealed anew."""
    child, endpoints = azurite_process.start(tmp_path_factory.mktemp("azurite") / "azurite.log")
    yield endpoints.connection_string
    child.stop()


@pytest.fixture
def installation(own_azurite: str) -> Settings:
    """The settings of an installation under the old key, with nothing accepted yet."""
    settings = settings_for(own_azurite, sealing_keys=(OLD,))
    provision(settings)
    return settings


@pytest.fixture
def under(installation: Settings) -> Iterator[Callable[..., World]]:
    """The installation as a process with other keys sees it."""
    with ExitStack() as stack:
        first = stack.enter_context(open_world(installation))

        def with_keys(*keys: bytes) -> World:
            if keys == (OLD,):
                return first
            made = World(replace(installation, sealing_keys=keys))
            stack.callback(made.backend.close)
            return made

        yield with_keys
        documents = Documents(first.backend.connection)
        for name in list(documents.list_accepted()):
            documents.delete_accepted(name)


def run(world: World) -> reseal.Tally:
    sealer = Sealer(world.settings.sealing_keys)
    return reseal.reseal(Documents(world.backend.connection), sealer, lambda _: None)


def cluster() -> dict[str, Any]:
    """A cluster.json with two secrets."""
    properties: dict[str, Any] = json.loads(json.dumps(CLUSTER["properties"]))
    properties["userAccountSettings"]["adminUserPassword"] = "correct horse"
    task = {"commandLine": "true", "stdOutErrPathPrefix": "/x", "secrets": SECRET}
    return {"properties": properties | {"nodeSetup": {"setupTask": task}}}


def cluster_secrets(world: World) -> frozenset[str]:
    row = world.backend.clusters.get(world.cluster)
    return secret_values(world.backend.clusters.spec(row.revision))


def test_the_old_key_is_removed_while_a_job_waits(under: Callable[..., World]) -> None:
    # Given a cluster and a job accepted under the old key
    before = under(OLD)
    before.create_cluster(cluster())
    before.accept("first", document(secrets=SECRET))
    # When both keys are there, what was sealed opens and what comes is sealed with the new one
    both = under(NEW, OLD)
    assert cluster_secrets(both) == {"swordfish", "correct horse"}
    both.accept("second", document(secrets=SECRET))
    with pytest.raises(StoreError, match="no longer holds"):
        cluster_secrets(under(NEW))
    # and everything is sealed anew (two jobs, two revisions of the cluster)
    assert run(both) == reseal.Tally(looked_at=4, resealed=2)
    assert run(both) == reseal.Tally(looked_at=4, resealed=0)
    # Then the new key alone opens all of it
    after = under(NEW)
    assert cluster_secrets(after) == {"swordfish", "correct horse"}
    for _ in range(2):
        claim = after.must_claim()
        assert secret_values(claim.spec) == {"swordfish"}
        assert after.finish(claim).state is State.SUCCEEDED
    # and the old one nothing any more.
    with pytest.raises(StoreError, match="no longer holds"):
        cluster_secrets(before)


def test_the_same_drop_delivered_again_is_the_same_job_under_the_new_key(under: Callable[..., World]) -> None:
    first = under(OLD).accept("job", document(secrets=SECRET))
    run(under(NEW, OLD))
    again = under(NEW).submit("job", document(secrets=SECRET))
    assert again.accepted and again.job is not None
    assert again.job.uuid == first.uuid


def test_what_cannot_be_opened_is_reported_and_the_rest_is_done(under: Callable[..., World]) -> None:
    stray = under(OTHER, OLD).accept("stray", document(secrets=SECRET))
    under(OLD).accept("job", document(secrets=SECRET))
    message = run(under(NEW, OLD))
    assert message.resealed == 1
    assert len(message.failed) == 1
    assert message.failed[0].startswith(f"{stray.uuid}: a stored secret was sealed with key ")


def test_a_document_written_meanwhile_is_looked_at_again(
    under: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = under(OLD).accept("job", document(secrets=SECRET))
    both = under(NEW, OLD)
    plain = Documents.read_accepted
    times = 0

    def read(documents: Documents, name: str) -> tuple[dict[str, Any], str]:
        found = plain(documents, name)
        nonlocal times
        if name == job.uuid and not times:
            times += 1
            # Delivered again, by a process with the old key.
            under(OLD).accept("job", document(secrets=SECRET))
        return found

    monkeypatch.setattr(Documents, "read_accepted", read)
    assert run(both).resealed == 1
    monkeypatch.undo()
    assert secret_values(under(NEW).must_claim().spec) == {"swordfish"}


def test_a_secret_that_is_copied_into_another_job_does_not_open(under: Callable[..., World]) -> None:
    # Given a job with a secret, and another whose accepted document somebody has written it into
    world = under(OLD)
    victim = world.accept("victim", document(secrets=SECRET))
    thief = world.accept("thief", document("env", secrets=[{"name": "TOKEN", "value": "mine"}]))
    documents = Documents(world.backend.connection)
    stolen, copied = documents.get_accepted(thief.uuid), documents.get_accepted(victim.uuid)
    documents.put_accepted(thief.uuid, stolen | {"properties": copied["properties"]})
    # When both are opened, then one of them is not.
    assert secret_values(world.manager.spec(victim)[0]) == {"swordfish"}
    with pytest.raises(StoreError, match="sealed for another document"):
        world.manager.spec(thief)


def test_the_command(
    under: Callable[..., World],
    own_azurite: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    under(OLD).accept("job", document(secrets=SECRET))
    keys = ",".join(base64.b64encode(key).decode() for key in (NEW, OLD))
    monkeypatch.setenv("BATCHAI_STORAGE", own_azurite)
    monkeypatch.setenv("BATCHAI_SEALING_KEYS", keys)
    assert reseal.main([]) == 0
    shown = capsys.readouterr().out
    assert "2 accepted documents, 1 sealed anew, 0 failed" in shown
    assert f"all are under key {Sealer((NEW,)).newest}" in shown
    monkeypatch.setenv("BATCHAI_SEALING_KEYS", base64.b64encode(OTHER).decode())
    assert reseal.main([]) == 1
    assert "can go" not in capsys.readouterr().out
    monkeypatch.setenv("BATCHAI_SEALING_KEYS", "short")
    assert reseal.main([]) == 2
