"""The files of a job's output directories, as people list and download them."""

from typing import TYPE_CHECKING, Any

from api.resources.output_places import OutputPlace, output_place
from shared.documents.spec import MountVolumes
from shared.errors import BatchAIError, NotFoundError, StoreError
from shared.jobs.model import Job
from shared.jobs.status_json import timestamp
from shared.managers.cluster_reader import ClusterReader
from shared.managers.job_manager import JobManager
from shared.names.service_urls import service_url

if TYPE_CHECKING:
    from shared.stores.volumes.listing import Folder


def list_output_files(
    manager: JobManager,
    clusters: ClusterReader,
    job: Job,
    identifier: str,
    directory: str,
    minutes: int,
    most: int,
    marker: str,
) -> tuple[list[dict[str, Any]], str]:
    """A page of files in the form of the REST API, and the marker of the next page or "".

    Raises RequestError for a directory that cannot be listed, StoreError.
    """
    # Imported late: the SDK for shares takes long to load, and only this needs it.
    from shared.stores.volumes import listing

    kind, folder = folder_of(manager, clusters, job, identifier, directory)
    if kind == "share":
        found = listing.list_share(folder, minutes, most, marker, growing=job.state.live)
    else:
        found = listing.list_container(folder, minutes, most, marker)
    return [_resource(file) for file in found.files], found.marker


def folder_of(
    manager: JobManager, clusters: ClusterReader, job: Job, identifier: str, directory: str = "."
) -> tuple[str, "Folder"]:
    """Where a directory of a job's output lies: "share" or "container", and the folder on it.

    Raises RequestError for a directory that cannot be read, StoreError.
    """
    from shared.stores.volumes.listing import Folder

    place = _place(manager, clusters, job, identifier, directory)
    return place.kind, Folder(place.account, place.name, place.folder, _url(place), place.key)


def _place(
    manager: JobManager, clusters: ClusterReader, job: Job, identifier: str, directory: str
) -> OutputPlace:
    try:
        spec, revision = manager.spec(job)
    except BatchAIError as error:
        raise StoreError(f"the accepted document of job {job.id} cannot be read: {error}") from error
    volumes = MountVolumes()
    if revision:
        try:
            volumes = clusters.spec(revision).node_setup.mount_volumes
        except NotFoundError:
            pass  # the cluster's document is gone; the job's own volumes are known all the same
    return output_place(job, spec, volumes, manager.settings, identifier, directory)


def _url(place: OutputPlace) -> str:
    service = "file" if place.kind == "share" else "blob"
    return place.endpoint or service_url(place.account, service)


def _resource(file: Any) -> dict[str, Any]:
    if file.is_directory:
        return {"name": file.name, "fileType": "directory"}
    properties: dict[str, Any] = {"contentLength": file.size}
    if file.modified:
        properties = {"lastModified": timestamp(file.modified)} | properties
    return {"name": file.name, "fileType": "file", "downloadUrl": file.url, "properties": properties}
