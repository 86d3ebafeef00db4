"""`properties` of cluster.json: ClusterCreateParameters 2018-05-01. PURE."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, Strict

from shared.documents.models.base import (
    EnvironmentVariable,
    EnvironmentVariableWithSecretValue,
    KeyVaultSecretReference,
    Model,
    ResourceId,
)
from shared.documents.models.job import MOST_NODES
from shared.documents.models.volumes import MountVolumes

NodeCount = Annotated[int, Strict(), Field(ge=0, le=MOST_NODES)]

IdleMinutes = Annotated[int, Strict(), Field(ge=1, le=10_080)]


class UserAccountSettings(Model):
    """The administrator account of each node."""

    admin_user_name: str = Field(min_length=1, description="User name.")
    admin_user_ssh_public_key: str | None = Field(default=None, description="SSH public key; reported back.")
    admin_user_password: SecretStr | None = Field(default=None, description="Password; never reported back.")


class ManualScaleSettings(Model):
    """A fixed number of nodes."""

    target_node_count: NodeCount = Field(default=0, description="Nodes wanted. Default 0.")
    node_deallocation_option: Literal["requeue", "terminate", "waitforjobcompletion"] = Field(
        default="requeue", description="What becomes of jobs on nodes that leave. Default requeue."
    )


class AutoScaleSettings(Model):
    """As many nodes as queued and running jobs ask for, within limits."""

    minimum_node_count: NodeCount = Field(description="Nodes kept at least.")
    maximum_node_count: NodeCount = Field(description="Nodes at most.")
    initial_node_count: NodeCount = Field(default=0, description="Nodes at the beginning. Default 0.")


class ScaleSettings(Model):
    """manual or autoScale, not both."""

    manual: ManualScaleSettings | None = Field(default=None, description="A fixed number of nodes.")
    auto_scale: AutoScaleSettings | None = Field(default=None, description="A number that follows the jobs.")


class ImageReference(Model):
    """The operating system image of the nodes."""

    publisher: str = Field(min_length=1, description="Publisher of the image.")
    offer: str = Field(min_length=1, description="Offer of the image.")
    sku: str = Field(min_length=1, description="SKU of the image.")
    version: str | None = Field(default="latest", description="Version of the image. Default latest.")
    virtual_machine_image_id: str | None = Field(default=None, description="ARM id of an image of one's own.")


class VirtualMachineConfiguration(Model):
    """The machines of the cluster."""

    image_reference: ImageReference | None = Field(default=None, description="Operating system image.")


class SetupTask(Model):
    """A command run as root on each node when it joins and after a reboot; it must stand being run twice."""

    command_line: str = Field(min_length=1, description="Shell command.")
    std_out_err_path_prefix: str = Field(min_length=1, description="Where its stdout and stderr go.")
    environment_variables: tuple[EnvironmentVariable, ...] = Field(default=(), description="For the command.")
    secrets: tuple[EnvironmentVariableWithSecretValue, ...] = Field(
        default=(), description="Environment variables whose values are never shown."
    )


class AppInsightsReference(Model):
    """An Application Insights resource. One of instrumentationKey and instrumentationKeySecretReference."""

    component: ResourceId = Field(description="ARM id of the component.")
    instrumentation_key: SecretStr | None = Field(
        default=None, description="Instrumentation key; never reported back."
    )
    instrumentation_key_secret_reference: KeyVaultSecretReference | None = Field(
        default=None, description="Where the instrumentation key is kept."
    )


class PerformanceCountersSettings(Model):
    """Where performance counters of the nodes go."""

    app_insights_reference: AppInsightsReference = Field(description="Application Insights resource.")


class NodeSetup(Model):
    """What each node does before it takes jobs."""

    setup_task: SetupTask | None = Field(default=None, description="Run on each node.")
    mount_volumes: MountVolumes = Field(
        default=MountVolumes(), description="Mounted under $AZ_BATCHAI_MOUNT_ROOT."
    )
    performance_counters_settings: PerformanceCountersSettings | None = Field(
        default=None, description="Where performance counters go."
    )


class IdleGpus(Model):
    """What becomes of a job whose GPUs do nothing (ours: Batch AI had nothing of the kind)."""

    minutes: IdleMinutes = Field(description="How long every GPU of the job has done nothing, 1 to 10080.")
    action: Literal["warn", "end"] = Field(
        default="warn", description="warn: an event of the job; end: the job fails as well. Default warn."
    )


class ClusterSpec(Model):
    """What the user asked for: one cluster.

    vmSize and userAccountSettings are not required here, unlike in the REST specification: `az batchai`
    filled them from its command line, and a dropped file has none.
    """

    vm_size: str | None = Field(default=None, description="Size of the machines, such as STANDARD_NC6.")
    vm_priority: Literal["dedicated", "lowpriority"] = Field(
        default="dedicated", description="Kind of machines. Default dedicated."
    )
    scale_settings: ScaleSettings | None = Field(
        default=None, description="Number of nodes. Default: manual."
    )
    virtual_machine_configuration: VirtualMachineConfiguration | None = Field(
        default=None, description="Image of the machines."
    )
    node_setup: NodeSetup = Field(default=NodeSetup(), description="Volumes and setup task of each node.")
    user_account_settings: UserAccountSettings | None = Field(
        default=None, description="Administrator account of the nodes."
    )
    idle_gpus: IdleGpus | None = Field(
        default=None, description="Jobs whose GPUs do nothing. Default: nobody looks."
    )
    subnet: ResourceId | None = Field(default=None, description="Virtual network subnet of the nodes.")
