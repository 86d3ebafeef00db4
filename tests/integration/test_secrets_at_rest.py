"""Secrets of a document lie nowhere but sealed: every table, queue and blob is searched, however spelt."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from shared.jobs.model import Outcome, Reason
from tests.support import leaks
from tests.support.world import CLUSTER, World, document

ACCOUNT_KEY = base64.b64encode(b"the key of an account, swordfish").decode()
SECRET, PASSWORD = "hunter2-secret?value&", "correct horse/battery"
CLUSTER_PASSWORD, CLUSTER_KEY = "ssh-password-of-the-admin!", base64.b64encode(b"cluster's own key").decode()
VALUES = (ACCOUNT_KEY, SECRET, PASSWORD, CLUSTER_PASSWORD, CLUSTER_KEY)


@pytest.fixture(scope="module")
def installation(own_installation: str) -> str:
    """One that nobody else uses, for all that is in it is searched."""
    return own_installation


def share(key: str) -> dict[str, object]:
    return {
        "azureFileShares": [
            {
                "accountName": "acc",
                "azureFileUrl": "https://acc.file.core.windows.net/share",
                "relativeMountPath": "afs",
                "credentials": {"accountKey": key},
            }
        ]
    }


def stored(world: World) -> Iterator[tuple[str, bytes]]:
    """All that the installation has stored, except what users dropped themselves."""
    drops = tuple(
        f"blob {name}/" for name in (world.settings.jobs_container, world.settings.clusters_container)
    )
    for where, data in leaks.state(world.settings.storage):
        if not where.startswith(drops) or where.endswith("status.json"):
            yield where, data


def found(world: World, values: tuple[str, ...] = VALUES) -> list[tuple[str, str]]:
    return leaks.leaks(stored(world), values)


def test_secrets_are_nowhere_in_the_state(world: World) -> None:
    cluster = json.loads(json.dumps(CLUSTER))
    cluster["properties"]["userAccountSettings"] = {
        "adminUserName": "me",
        "adminUserPassword": CLUSTER_PASSWORD,
    }
    cluster["properties"]["nodeSetup"] = {"mountVolumes": share(CLUSTER_KEY)}
    world.create_cluster(cluster)
    secret: dict[str, Any] = {
        "secrets": [{"name": "TOKEN", "value": SECRET}],
        "mountVolumes": share(ACCOUNT_KEY),
    }
    world.accept(data=document(**secret))
    registry = {"image": "i", "credentials": {"username": "me", "password": PASSWORD}}
    container: dict[str, Any] = {"containerSettings": {"imageSourceRegistry": registry}}
    assert not world.submit("faulty", document(**secret, **container, nodeCount="many")).accepted
    world.submit("contained", document(**secret, **container))

    assert not found(world)
    claim = world.must_claim()
    assert claim.spec.secrets[0].value is not None
    assert claim.spec.secrets[0].value.get_secret_value() == SECRET, "the runner opens what was sealed"
    assert SECRET not in repr(claim)
    assert ACCOUNT_KEY not in repr(claim)
    world.finish(claim, Outcome(Reason.JOB_FAILED, 1, "Job failed"))
    assert not found(world)


def test_the_search_finds_what_is_there(world: World) -> None:
    probe, hidden = "not-so-secret?value&", "another one, in base64"
    world.accept(data=document(environmentVariables=[{"name": "A", "value": f"x {probe} y"}]))
    container = world.backend.connection.blobs.get_container_client("accepted")
    container.upload_blob("probe", base64.b64encode(b"a" + hidden.encode()), overwrite=True)
    assert {value for _, value in found(world, (probe, hidden))} == {probe, hidden}
