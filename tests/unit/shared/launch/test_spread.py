"""shared.launch.spread: which process on which node with which GPUs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.environment.variables import Node
from shared.launch.spread import slots, spread, visible_devices


@pytest.mark.parametrize(
    ("count", "nodes", "expected"),
    [(2, 2, (1, 1)), (8, 2, (4, 4)), (3, 2, (2, 1)), (1, 3, (1, 0, 0)), (5, 3, (2, 2, 1)), (0, 2, (0, 0))],
)
def test_slots_are_even_and_earlier_nodes_first(count: int, nodes: int, expected: tuple[int, ...]) -> None:
    assert slots(count, nodes) == expected


def test_neighbours_share_a_node() -> None:
    assert spread(5, 2) == (0, 0, 0, 1, 1)


@given(st.integers(0, 200), st.integers(1, 100))
def test_every_process_has_a_node_and_no_node_two_more_than_another(count: int, nodes: int) -> None:
    per_node = slots(count, nodes)
    assert sum(per_node) == count and max(per_node) - min(per_node) <= 1
    assert [spread(count, nodes).count(node) for node in range(nodes)] == list(per_node)


@pytest.mark.parametrize(
    ("gpus", "count", "expected"),
    [
        (4, 4, ["0", "1", "2", "3"]),
        (4, 2, ["0,1", "2,3"]),
        (4, 3, ["0", "1", "2,3"]),
        (2, 3, ["0", "1", "0"]),
    ],
)
def test_processes_of_a_node_share_its_gpus(gpus: int, count: int, expected: list[str]) -> None:
    node = Node("n", "a", gpus)
    assert [visible_devices(node, i, count)["CUDA_VISIBLE_DEVICES"] for i in range(count)] == expected


@pytest.mark.parametrize(("gpus", "count"), [(4, 1), (0, 1), (0, 4)])
def test_a_process_alone_or_without_gpus_is_not_restricted(gpus: int, count: int) -> None:
    assert visible_devices(Node("n", "a", gpus), 0, count) == {}
