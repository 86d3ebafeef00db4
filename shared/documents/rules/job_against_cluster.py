"""A job against its cluster: paths on cluster volumes that the cluster does not mount. PURE."""

from shared.documents.models.cluster import ClusterSpec
from shared.documents.models.job import JobSpec
from shared.documents.models.volumes import MountVolumes
from shared.documents.rules.directories import CLUSTER_ROOT
from shared.errors import Problem, Severity
from shared.names.ids import printable
from shared.names.paths import MountPoints, rooted


def unmounted_on_cluster(job: JobSpec, cluster: ClusterSpec) -> tuple[Problem, ...]:
    """A warning for each path of `job` under $AZ_BATCHAI_MOUNT_ROOT that no volume of `cluster` holds.

    The original accepted such jobs: inputs are missing, outputs stay on the node's disk. The problems have
    no line (0): the text of the document is not at hand.
    """
    points = MountPoints(_targets(cluster.node_setup.mount_volumes))
    found = []
    for path, text in _paths(job):
        place = rooted(text)
        if place is None or place.variable != CLUSTER_ROOT or not place.parts:
            continue
        if not points.hold(place.parts):
            message = f"The cluster mounts nothing at {printable(place.parts[0])}."
            hint = (
                "Add the volume to the cluster, or mount it for the job and write $AZ_BATCHAI_JOB_MOUNT_ROOT."
            )
            found.append(Problem(0, 0, path, message, hint, Severity.WARNING))
    return tuple(found)


def _targets(mounts: MountVolumes) -> list[str]:
    return [
        *(volume.relative_mount_path for volume in mounts.azure_file_shares),
        *(volume.relative_mount_path for volume in mounts.azure_blob_file_systems),
        *(volume.relative_mount_path for volume in mounts.file_servers),
        *(volume.relative_mount_path for volume in mounts.unmanaged_file_systems),
    ]


def _paths(job: JobSpec) -> list[tuple[str, str]]:
    inputs = [
        (f"$.properties.inputDirectories[{i}].path", d.path) for i, d in enumerate(job.input_directories)
    ]
    outputs = [
        (f"$.properties.outputDirectories[{i}].pathPrefix", d.path_prefix)
        for i, d in enumerate(job.output_directories)
    ]
    return [("$.properties.stdOutErrPathPrefix", job.std_out_err_path_prefix), *inputs, *outputs]
