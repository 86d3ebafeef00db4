import pytest

from shared.environment.layout import NodeLayout, output_directory, path_segment, stdouterr_directory
from shared.names.ids import JobId, Scope

JOB = JobId("ws", "exp", "job")
SEGMENT = path_segment(Scope("sub", "rg"), JOB, "the-uuid")


def test_the_segment_is_the_original_one() -> None:
    assert SEGMENT == "sub/rg/workspaces/ws/experiments/exp/jobs/job/the-uuid"


@pytest.mark.parametrize(
    "prefix", ["$AZ_BATCHAI_JOB_MOUNT_ROOT/logs", "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs/", "/"]
)
def test_logs_lie_in_stdouterr(prefix: str) -> None:
    assert stdouterr_directory(prefix, SEGMENT) == f"{prefix.rstrip('/')}/{SEGMENT}/stdouterr"


@pytest.mark.parametrize(
    ("suffix", "end"), [("models", "/models"), ("a/b/", "/a/b"), ("/a", "/a"), ("", ""), (None, "")]
)
def test_outputs_lie_below_the_literal_outputs(suffix: str | None, end: str) -> None:
    assert output_directory("/mnt/out/", SEGMENT, suffix) == f"/mnt/out/{SEGMENT}/outputs{end}"


def test_folders_of_a_node() -> None:
    node = NodeLayout("/root", JOB)
    assert node.mount_root == "/root/mounts"
    assert node.job_temp == "/root/jobs/ws/exp/job"
    for inner in (node.job_mount_root, node.shared_job_temp, node.working_directory, node.hostfile):
        assert inner.startswith(node.job_temp + "/")
    assert node.job_temp.startswith(node.job_temp_root + "/")
    assert not node.mount_root.startswith(node.job_temp_root), "wiping the temps must not reach the volumes"


def test_the_job_s_temporary_folders_lie_outside_its_long_path() -> None:
    node = NodeLayout("/root", JOB)
    assert (node.temp, node.var_temp) == ("/root/tmp", "/root/var-tmp")
