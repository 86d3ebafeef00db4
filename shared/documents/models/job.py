"""`properties` of job.json: JobCreateParameters 2018-05-01. PURE."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, SecretStr

from shared.documents.models.base import (
    Duration,
    EnvironmentVariable,
    EnvironmentVariableWithSecretValue,
    KeyVaultSecretReference,
    Model,
    ResourceId,
    Whole,
)
from shared.documents.models.toolkits import ToolkitMembers
from shared.documents.models.volumes import MountVolumes
from shared.names.ids import ClusterId, Scope, cluster_from_arm_id

#: A cluster of the original had at most 100 nodes (its quota page).
MOST_NODES = 100
DEFAULT_WALL_CLOCK_TIME = timedelta(days=7)


class PrivateRegistryCredentials(Model):
    """Login of a private image registry. One of password and passwordSecretReference."""

    username: str = Field(min_length=1, description="User name.")
    password: SecretStr | None = Field(default=None, description="Password; never reported back.")
    password_secret_reference: KeyVaultSecretReference | None = Field(
        default=None, description="Where the password is kept."
    )


class ImageSourceRegistry(Model):
    """A container image and where it comes from."""

    server_url: str | None = Field(
        default=None, description="Login server of the registry. Default: Docker Hub."
    )
    image: str = Field(
        min_length=1, description="Name of the image; fully qualified with a registry of one's own."
    )
    credentials: PrivateRegistryCredentials | None = Field(default=None, description="Login of the registry.")


class ContainerSettings(Model):
    """The container that preparation and job run in."""

    image_source_registry: ImageSourceRegistry = Field(description="The image.")
    shm_size: str | None = Field(
        default=None, description="Size of /dev/shm as docker writes it, such as 16gb."
    )


class JobPreparation(Model):
    """A command run on every node before the toolkit, in the same container."""

    command_line: str = Field(min_length=1, description="Shell command. Its failure fails the job.")


class InputDirectory(Model):
    """A path the job finds in AZ_BATCHAI_INPUT_<id>; nothing is created or copied."""

    id: str = Field(min_length=1, description="Used as written in AZ_BATCHAI_INPUT_<id>.")
    path: str = Field(
        min_length=1, description="Directory or file; variables are expanded when the job starts."
    )


class OutputDirectory(Model):
    """A folder made for the job, in AZ_BATCHAI_OUTPUT_<id>: <pathPrefix>/<segment>/outputs/<pathSuffix>."""

    id: str = Field(min_length=1, description="Used as written in AZ_BATCHAI_OUTPUT_<id>.")
    path_prefix: str = Field(
        min_length=1, description="Usually $AZ_BATCHAI_JOB_MOUNT_ROOT/<relativeMountPath>."
    )
    path_suffix: str | None = Field(default=None, description="Last part of the folder. Default: none.")


class Constraints(Model):
    """Limits of the job."""

    max_wall_clock_time: Duration = Field(
        default=DEFAULT_WALL_CLOCK_TIME, description="Longest run time. Default P7D."
    )


class _Place(Model):
    """Where the job runs, and when."""

    scheduling_priority: Literal["low", "normal", "high"] = Field(
        default="normal", description="Place in the queue."
    )
    cluster: ResourceId | None = Field(
        default=None,
        description="ARM id of the cluster, or a name in the job's workspace. Default: the installation's.",
    )
    mount_volumes: MountVolumes = Field(
        default=MountVolumes(), description="Mounted for this job under $AZ_BATCHAI_JOB_MOUNT_ROOT."
    )
    node_count: Whole = Field(
        ge=1, le=MOST_NODES, description="Nodes to run on; the job starts when all are free."
    )
    container_settings: ContainerSettings | None = Field(
        default=None, description="Container to run in. Default: directly on the node."
    )


# The order of members is the original's: those of the last base, of the first one, of the class itself.
class JobSpec(ToolkitMembers, _Place):
    """What the user asked for: one job. Exactly one *Settings object is given (see `toolkit`)."""

    job_preparation: JobPreparation | None = Field(
        default=None, description="Run before the toolkit, on every node."
    )
    std_out_err_path_prefix: str = Field(
        min_length=1,
        description="Where stdout, stderr and execution.log go, mostly $AZ_BATCHAI_JOB_MOUNT_ROOT/logs.",
    )
    input_directories: tuple[InputDirectory, ...] = Field(default=(), description="Inputs of the job.")
    output_directories: tuple[OutputDirectory, ...] = Field(
        default=(), description="Folders for what the job makes."
    )
    environment_variables: tuple[EnvironmentVariable, ...] = Field(
        default=(), description="For preparation and job."
    )
    secrets: tuple[EnvironmentVariableWithSecretValue, ...] = Field(
        default=(), description="Environment variables whose values are never shown."
    )
    constraints: Constraints = Field(default=Constraints(), description="Longest run time.")

    def cluster_id(
        self, workspace: str, default_cluster: str = "default", scope: Scope | None = None
    ) -> ClusterId:
        """The cluster the job runs on: an ARM id names any, a plain name one of `workspace`."""
        if self.cluster is None:
            return ClusterId(workspace, default_cluster)
        named = cluster_from_arm_id(self.cluster.id, scope, workspace)
        return named or ClusterId(workspace, self.cluster.id)
