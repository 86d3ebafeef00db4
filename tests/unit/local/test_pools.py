"""local.pools: the name of a cluster's scale set, which its nodes' names and folders begin with."""

import pytest

from local.pools import set_name
from shared.names.ids import NAME_PATTERN, ClusterId


def test_a_cluster_of_the_default_workspace_has_its_own_name_where_that_is_short_and_plain() -> None:
    assert set_name(ClusterId("default", "nc6")) == "nc6"
    assert set_name(ClusterId("default", "NC6")) == "nc6"


@pytest.mark.parametrize("cluster", ["a_b", "x" * 64, "_", "-", "gpu.1"])
def test_any_other_name_is_short_and_may_begin_a_node_s(cluster: str) -> None:
    name = set_name(ClusterId("default", cluster))
    assert len(name) <= 13 and NAME_PATTERN.match(f"{name}_0a1b2c3d")
    assert "_" not in name, "a node's name is taken apart at the first one"


def test_no_two_clusters_share_one() -> None:
    clusters = [
        ClusterId(workspace, name)
        for workspace in ("default", "research", "group/default")
        for name in ("gpu", "gpu_1", "gpu-1", "a-long-name-of-a-cluster", "a-long-name-of-a-cluster-2")
    ]
    assert len({set_name(each) for each in clusters}) == len(clusters)
