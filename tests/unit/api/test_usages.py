"""Usages: families of machines as the original named them, and limits that scaleSettings set."""

from api.resources.provider import ClusterUse, operations, usages
from shared.names.vm_sizes import family, processors
from tests.support.cases import cases


@cases(
    ("size", "name", "count"),
    [
        ("STANDARD_NC6", "NC", 6),
        ("Standard_NC24rs_v2", "NCv2", 24),
        ("Standard_NC6s_v3", "NCv3", 6),
        ("Standard_ND6s", "ND", 6),
        ("Standard_ND40rs_v2", "NDv2", 40),
        ("Standard_NV12s_v3", "NVv3", 12),
        ("Standard_NC4as_T4_v3", "NCas_T4_v3", 4),
        ("STANDARD_D1", "D", 1),
        ("STANDARD_D14", "D", 16),
        ("STANDARD_D2_v2", "Dv2", 2),
        ("STANDARD_DS13_v2", "DSv2", 8),
        ("Standard_D4_v3", "Dv3", 4),
        ("Standard_D4s_v3", "DSv3", 4),
        ("Standard_F8s_v2", "FSv2", 8),
        ("Standard_H16r", "H", 16),
        ("Basic_A2", "A", 2),
        ("Standard_D77", "D", None),
        ("galaxy", None, None),
        ("", None, None),
    ],
)
def test_sizes(size: str, name: str | None, count: int | None) -> None:
    assert (family(size), processors(size)) == (name, count)


def found(*clusters: ClusterUse) -> dict[str, tuple[int, int]]:
    message = usages(clusters, 2, 3)
    return {entry["name"]["value"]: (entry["currentValue"], entry["limit"]) for entry in message}


def test_what_there_is_and_what_there_may_be() -> None:
    one = ClusterUse("STANDARD_NC6", False, 1, 4)
    two = ClusterUse("STANDARD_NC12", False, 0, 2)
    low = ClusterUse("STANDARD_D2_v2", True, 3, 3)
    odd = ClusterUse(None, False, 1, 1)
    assert found(one, two, low, odd) == {
        "Clusters": (4, -1),
        "Cluster nodes": (5, 10),
        "Workspaces": (2, -1),
        "Live jobs": (3, -1),
        "Total Cluster Dedicated Regional vCPUs": (6, 48),
        "Standard NC Family Cluster Dedicated vCPUs": (6, 48),
        "Total Cluster LowPriority Regional vCPUs": (6, 6),
        "Standard Dv2 Family Cluster LowPriority vCPUs": (6, 6),
    }


def test_a_cluster_that_takes_any_number_has_no_limit() -> None:
    message = found(ClusterUse("STANDARD_NC6", False, 2, None), ClusterUse("STANDARD_NC6", False, 0, 1))
    assert message["Standard NC Family Cluster Dedicated vCPUs"] == (12, -1)
    assert message["Cluster nodes"] == (2, -1)


def test_every_resource_can_be_read_written_and_deleted_and_jobs_more() -> None:
    shown = operations()
    names = [entry["name"].removeprefix("Microsoft.BatchAI/workspaces") for entry in shown]
    assert len(set(names)) == len(names) == 19
    for path in ("", "/experiments", "/experiments/jobs", "/clusters", "/fileServers"):
        assert {f"{path}/read", f"{path}/write", f"{path}/delete"} <= set(names)
    assert "/experiments/jobs/terminate/action" in names
    assert shown[0]["display"]["resource"] == "Batch AI workspaces"
    assert all(entry["origin"] == "user,system" for entry in shown)
