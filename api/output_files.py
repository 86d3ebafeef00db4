"""The files of a job's output directories, as people list and download them."""

from typing import TYPE_CHECKING, Any

from shared.errors import BatchAIError, StoreError
from shared.jobs.model import Job
from shared.jobs.output_places import OutputPlace, output_place
from shared.jobs.status_json import timestamp
from shared.managers.cluster_reader import ClusterReader
from shared.managers.job_manager import JobManager

if TYPE_CHECKING:
    from shared.stores.volumes.folders import Folder


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
    place = place_of(manager, clusters, job, identifier, directory)
    # Imported late: the SDK for shares takes long to load, and only this needs it.
    from shared.stores.volumes import listing

    folder = folder_of(place)
    if place.kind == "share":
        found = listing.list_share(folder, minutes, most, marker, growing=job.state.live)
    else:
        found = listing.list_container(folder, minutes, most, marker)
    return [_resource(file) for file in found.files], found.marker


def place_of(
    manager: JobManager, clusters: ClusterReader, job: Job, identifier: str, directory: str
) -> OutputPlace:
    """Where a directory of an output directory lies. Raises RequestError where it cannot be read from here,
    StoreError."""
    try:
        spec, revision = manager.spec(job)
    except BatchAIError as error:
        raise StoreError(f"the accepted document of job {job.id} cannot be read: {error}") from error
    return output_place(job, spec, clusters.volumes(revision), manager.settings, identifier, directory)


def folder_of(place: OutputPlace) -> "Folder":
    """The folder of a place, as the stores are asked for it."""
    from shared.stores.volumes import folders

    return folders.folder_of(place)


def _resource(file: Any) -> dict[str, Any]:
    if file.is_directory:
        return {"name": file.name, "fileType": "directory"}
    properties: dict[str, Any] = {"contentLength": file.size}
    if file.modified:
        properties = {"lastModified": timestamp(file.modified)} | properties
    return {"name": file.name, "fileType": "file", "downloadUrl": file.url, "properties": properties}
