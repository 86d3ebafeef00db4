"""Paths on cluster volumes that the cluster does not mount."""

from shared.documents.rules.job_against_cluster import unmounted_on_cluster
from tests.support.documents import JOB, cluster, job, spec_of

SHARE = JOB["mountVolumes"]["azureFileShares"][0]


def test_a_path_that_the_cluster_does_not_hold_is_a_warning() -> None:
    spec = spec_of(
        job(
            stdOutErrPathPrefix="$AZ_BATCHAI_MOUNT_ROOT/logs/x",
            inputDirectories=[{"id": "A", "path": "${AZ_BATCHAI_MOUNT_ROOT}/data"}],
            outputDirectories=[
                {"id": "A", "pathPrefix": "$AZ_BATCHAI_MOUNT_ROOT/external"},
                {"id": "B", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs"},
            ],
        )
    )
    holder = spec_of(cluster(nodeSetup={"mountVolumes": {"azureFileShares": [SHARE]}}))

    assert [p.path for p in unmounted_on_cluster(spec, holder)] == [
        "$.properties.inputDirectories[0].path",
        "$.properties.outputDirectories[0].pathPrefix",
    ]
    assert len(unmounted_on_cluster(spec, spec_of(cluster()))) == 3
