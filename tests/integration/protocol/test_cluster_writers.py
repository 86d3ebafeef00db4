"""Several writers of one cluster's row: none undoes what another wrote between its read and its write."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.backend import backend
from shared.errors import NotFoundError
from shared.managers.cluster_manager import ClusterManager
from shared.managers.cluster_reader import ClusterReader
from shared.managers.cluster_writer import ClusterWriter
from shared.names.ids import ClusterId
from shared.stores.cluster_table import ClusterRow, ClusterTable
from shared.stores.secrets.sealing import Sealer
from tests.support.world import CLUSTER, World


def cluster_document(nodes: int, user: str = "me") -> bytes:
    properties = CLUSTER["properties"] | {
        "scaleSettings": {"manual": {"targetNodeCount": nodes}},
        "userAccountSettings": {"adminUserName": user, "adminUserSshPublicKey": "ssh-rsa AAAA"},
    }
    return json.dumps({"properties": properties}).encode()


class Meanwhile(ClusterTable):
    """The table, in which something else happens once just after a cluster has been read."""

    def __init__(self, world: World, event: Callable[[], Any]) -> None:
        super().__init__(world.backend.connection)
        self._event: Callable[[], Any] | None = event

    def get(self, cluster: ClusterId) -> ClusterRow | None:
        found = super().get(cluster)
        event, self._event = self._event, None
        if event:
            event()
        return found


def meanwhile(world: World, event: Callable[[], Any]) -> ClusterManager:
    """A gate to the same rows; `event` happens just after it has read a cluster for the first time."""
    table, sealer = Meanwhile(world, event), Sealer(world.settings.sealing_keys)
    nodes, queues, documents = world.backend.nodes, world.stores.queues, world.backend.documents
    reader = ClusterReader(world.settings, table, nodes, documents, sealer)
    writer = ClusterWriter(reader, table, queues, documents, sealer, world.clock)
    workspaces, scaler = world.backend.workspaces, world.backend.scaler
    return ClusterManager(reader, writer, nodes, queues, documents, workspaces, scaler, world.clock)


@pytest.fixture
def other(world: World) -> Iterator[ClusterManager]:
    """The gate in another process, which sees the same rows."""
    services = backend(world.settings)
    yield services.cluster_manager
    services.close()


def place(world: World) -> str:
    return f"{world.settings.clusters_container}/{world.cluster}/cluster.json"


def now(world: World) -> ClusterRow:
    found = world.stores.clusters.get(world.cluster)
    assert found is not None
    return found


def test_a_document_dropped_while_a_guest_is_admitted(world: World, other: ClusterManager) -> None:
    before = now(world)
    drop = cluster_document(3, "somebody")
    gate = meanwhile(world, lambda: other.accept(world.cluster, drop, place(world)))
    gate.admit_guest(before, "Guests")
    after = now(world)
    assert (after.guests, '"somebody"' in after.properties) == (("guests",), True)
    assert after.revision != before.revision


def test_a_guest_admitted_while_a_document_is_dropped(world: World, other: ClusterManager) -> None:
    gate = meanwhile(world, lambda: other.admit_guest(now(world), "guests"))
    assert gate.accept(world.cluster, cluster_document(3), place(world)).accepted
    after = now(world)
    assert (after.guests, '"targetNodeCount":3' in after.properties) == (("guests",), True)


def test_a_cluster_resized_while_another_document_is_dropped(world: World, other: ClusterManager) -> None:
    def drop() -> None:
        other.accept(world.cluster, cluster_document(3, "somebody"), place(world))

    gate = meanwhile(world, drop)
    assert gate.resize(world.cluster, cluster_document(7)).accepted
    after = json.loads(now(world).properties)
    assert after["scaleSettings"]["manual"]["targetNodeCount"] == 7
    assert after["userAccountSettings"]["adminUserName"] == "somebody"


def test_a_deletion_begun_while_a_document_is_dropped_stands(world: World, other: ClusterManager) -> None:
    gate = meanwhile(world, lambda: other.begin_deletion(world.cluster))
    answer = gate.accept(world.cluster, cluster_document(3), place(world))
    assert not answer.accepted
    assert "is being deleted" in answer.problems[-1].message
    assert now(world).deleting


def test_a_cluster_that_has_gone_admits_nobody_and_does_not_come_back(
    world: World, other: ClusterManager
) -> None:
    before = now(world)
    other.end_deletion(other.begin_deletion(world.cluster))
    with pytest.raises(NotFoundError):
        world.backend.cluster_manager.admit_guest(before, "guests")
    assert world.backend.clusters.fresh(world.cluster) is None
    world.create_cluster()


def test_a_new_cluster_dropped_twice_at_once_is_made_once(world: World, other: ClusterManager) -> None:
    new = ClusterId(world.cluster.workspace, "new")
    path = f"{world.settings.clusters_container}/{new}/cluster.json"
    gate = meanwhile(world, lambda: other.accept(new, cluster_document(1), path))
    answer = gate.accept(new, cluster_document(2), path)
    assert answer.accepted
    first = world.stores.clusters.get(new)
    assert first is not None
    assert '"targetNodeCount":2' in first.properties
    other.end_deletion(other.begin_deletion(new))


def test_four_guests_at_once_are_all_admitted(world: World) -> None:
    before, start = now(world), threading.Barrier(4)

    def admit(number: int) -> None:
        start.wait()
        world.backend.cluster_manager.admit_guest(before, f"guest-{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(admit, range(4)))
    assert sorted(now(world).guests) == [f"guest-{number}" for number in range(4)]
