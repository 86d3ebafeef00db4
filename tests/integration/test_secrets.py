"""Secrets of a document lie nowhere but sealed: every table, queue and blob is searched, however spelt."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

from shared.state import Outcome, Reason
from tests.support.world import CLUSTER, World, document

ACCOUNT_KEY = base64.b64encode(b"the key of an account, swordfish").decode()
SECRET, PASSWORD = "hunter2-secret?value&", "correct horse/battery"
CLUSTER_PASSWORD, CLUSTER_KEY = "ssh-password-of-the-admin!", base64.b64encode(b"cluster's own key").decode()
VALUES = (ACCOUNT_KEY, SECRET, PASSWORD, CLUSTER_PASSWORD, CLUSTER_KEY)


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


def spellings(value: str) -> set[bytes]:
    """Plain, as JSON and URL write it, and base64 at each of the three alignments."""
    found = {
        value.encode(),
        json.dumps(value)[1:-1].encode(),
        quote(value, safe="").encode(),
        quote(value).encode(),
    }
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + value.encode())
        found.add(encoded[4 if shift else 0 : -4])
    return found


def everything(world: World) -> Iterator[tuple[str, bytes]]:
    """All that the installation has stored, except what users dropped themselves."""
    connection, settings = world.backend.connection, world.settings
    for table in connection.tables.list_tables():
        for entity in connection.tables.get_table_client(table.name).list_entities():
            yield f"table {table.name}", repr(dict(entity)).encode()
    for queue in connection.queues.list_queues():
        for message in connection.queues.get_queue_client(queue.name).peek_messages(max_messages=32):
            yield f"queue {queue.name}", str(message.content).encode()
    drops = (settings.jobs_container, settings.clusters_container)
    for container in connection.blobs.list_containers():
        client = connection.blobs.get_container_client(container.name)
        for blob in client.list_blobs():
            if container.name in drops and not blob.name.endswith("status.json"):
                continue
            yield f"blob {container.name}/{blob.name}", client.download_blob(blob.name).readall()


def leaks(world: World, values: tuple[str, ...] = VALUES) -> list[tuple[str, str]]:
    wanted = [(value, form) for value in values for form in spellings(value)]
    return [(where, value) for where, data in everything(world) for value, form in wanted if form in data]


def test_secrets_are_nowhere_in_the_state(world: World) -> None:
    cluster = json.loads(json.dumps(CLUSTER))
    cluster["properties"]["userAccountSettings"] = {
        "adminUserName": "me",
        "adminUserPassword": CLUSTER_PASSWORD,
    }
    cluster["properties"]["nodeSetup"] = {"mountVolumes": share(CLUSTER_KEY)}
    world.create_cluster(cluster)
    secret = {"secrets": [{"name": "TOKEN", "value": SECRET}], "mountVolumes": share(ACCOUNT_KEY)}
    world.accept(data=document(**secret))
    registry = {"image": "i", "credentials": {"username": "me", "password": PASSWORD}}
    container = {"containerSettings": {"imageSourceRegistry": registry}}
    assert not world.submit("faulty", document(**secret, **container, nodeCount="many")).accepted
    world.submit("contained", document(**secret, **container))

    assert not leaks(world)
    claim = world.must_claim()
    assert claim.spec.secrets[0].value is not None
    assert claim.spec.secrets[0].value.get_secret_value() == SECRET, "the runner opens what was sealed"
    assert SECRET not in repr(claim)
    assert ACCOUNT_KEY not in repr(claim)
    world.finish(claim, Outcome(Reason.JOB_FAILED, 1, "Job failed"))
    assert not leaks(world)


def test_the_search_finds_what_is_there(world: World) -> None:
    probe, hidden = "not-so-secret?value&", "another one, in base64"
    world.accept(data=document(environmentVariables=[{"name": "A", "value": f"x {probe} y"}]))
    container = world.backend.connection.blobs.get_container_client("accepted")
    container.upload_blob("probe", base64.b64encode(b"a" + hidden.encode()), overwrite=True)
    assert {value for _, value in leaks(world, (probe, hidden))} == {probe, hidden}
