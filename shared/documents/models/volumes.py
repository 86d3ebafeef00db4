"""mountVolumes of a job and of a cluster's nodeSetup: the four kinds of volume. PURE."""

from pydantic import Field, SecretStr

from shared.documents.models.base import KeyVaultSecretReference, Model, ResourceId

_TARGET = (
    "Folder under $AZ_BATCHAI_JOB_MOUNT_ROOT (job) or $AZ_BATCHAI_MOUNT_ROOT (cluster) where it is mounted."
)


class AzureStorageCredentials(Model):
    """How to open a storage account. One of accountKey and accountKeySecretReference."""

    account_key: SecretStr | None = Field(
        default=None,
        description="Account key, or <AZURE_BATCHAI_STORAGE_KEY> to have it filled in. Never reported back.",
    )
    account_key_secret_reference: KeyVaultSecretReference | None = Field(
        default=None, description="Key Vault secret holding the account key."
    )


class AzureFileShare(Model):
    """An Azure file share (SMB)."""

    account_name: str = Field(
        default="",
        description="Storage account, or <AZURE_BATCHAI_STORAGE_ACCOUNT>. Default: as azureFileUrl says.",
    )
    azure_file_url: str = Field(
        min_length=1,
        description="https://<account>.file.core.windows.net/<share>; <AZURE_BATCHAI_STORAGE_ACCOUNT> fits.",
    )
    credentials: AzureStorageCredentials | None = Field(
        default=None, description="Filled in for the installation's own account."
    )
    relative_mount_path: str = Field(min_length=1, description=_TARGET)
    file_mode: str = Field(default="0777", description="Mode of files, octal. Default 0777.")
    directory_mode: str = Field(default="0777", description="Mode of directories, octal. Default 0777.")


class AzureBlobFileSystem(Model):
    """A blob container, mounted as a file system."""

    account_name: str = Field(
        min_length=1, description="Storage account. <AZURE_BATCHAI_STORAGE_ACCOUNT> is filled."
    )
    container_name: str = Field(min_length=1, description="Blob container.")
    credentials: AzureStorageCredentials | None = Field(
        default=None, description="Filled in for the installation's own account."
    )
    relative_mount_path: str = Field(min_length=1, description=_TARGET)
    mount_options: str | None = Field(default=None, description="Options of blobfuse.")


class FileServer(Model):
    """An NFS server."""

    file_server: ResourceId = Field(description="The file server.")
    source_directory: str | None = Field(
        default=None, description="Its directory to mount. Default: all of it."
    )
    relative_mount_path: str = Field(min_length=1, description=_TARGET)
    mount_options: str | None = Field(default=None, description="Options of mount, such as rw.")


class UnmanagedFileSystem(Model):
    """Any file system, mounted by a command of the user's own."""

    mount_command: str = Field(
        min_length=1, description="Mount command; the target folder is appended to it."
    )
    relative_mount_path: str = Field(min_length=1, description=_TARGET)


class MountVolumes(Model):
    """Volumes, mounted in the order written here, unmounted in reverse."""

    azure_file_shares: tuple[AzureFileShare, ...] = Field(default=(), description="Azure file shares.")
    azure_blob_file_systems: tuple[AzureBlobFileSystem, ...] = Field(
        default=(), description="Blob containers."
    )
    file_servers: tuple[FileServer, ...] = Field(default=(), description="NFS servers.")
    unmanaged_file_systems: tuple[UnmanagedFileSystem, ...] = Field(
        default=(), description="File systems with a mount command."
    )
