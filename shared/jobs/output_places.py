"""From an output directory's id to the share or container it lies on, and the folder in it. PURE.

The mapping is the runner's own: the same functions make the paths of a node, for a node that is imagined.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Protocol

from shared.documents.spec import JobSpec, MountVolumes
from shared.environment.layout import STDOUTERR_FOLDER, NodeLayout, path_segment
from shared.environment.variables import Node, Placement, log_directory, output_directories
from shared.environment.volume_addresses import StoragePlace, container_place, share_place
from shared.errors import LaunchError, RequestError
from shared.names.ids import ClusterId, JobId
from shared.names.paths import relative_fault
from shared.settings import Settings

#: The last parts of a run's own folder, `jobs/<name>/<uuid>`: a folder that does not end so is nobody's own.
_LEAST_PARTS = 3


class Run(Protocol):
    """What is to be known of a run of a job to find its files; a Job is one."""

    @property
    def id(self) -> JobId: ...
    @property
    def uuid(self) -> str: ...
    @property
    def cluster(self) -> ClusterId: ...
    @property
    def attempt(self) -> int: ...


@dataclass(frozen=True)
class OutputPlace:
    """A folder on a file share or in a blob container. `key` "": the identity of the function app."""

    kind: str  #: "share" or "container"
    account: str
    name: str  #: of the share or container
    folder: str  #: inside it, no slash at either end
    endpoint: str = ""  #: service URL; "": the public cloud's
    key: str = field(repr=False, default="")


def output_place(
    job: Run,
    spec: JobSpec,
    cluster: MountVolumes,
    settings: Settings,
    identifier: str,
    directory: str,
    attempt: int = 0,
) -> OutputPlace:
    """Where `directory` of the output directory `identifier` ("stdouterr" or an id of the document) lies.

    `cluster`: the volumes of the cluster's nodes. `attempt` 0: the latest. Raises RequestError.
    """
    layout = NodeLayout("/node", job.id)
    path = _path(job, spec, settings, layout, identifier, attempt or max(job.attempt, 1))
    below = _below(directory)
    points = [*_points(layout.job_mount_root, spec.mount_volumes, settings)]
    points += _points(layout.mount_root, cluster, settings)
    matching = [(point, place) for point, place in points if path.is_relative_to(point)]
    if not matching:
        raise _nowhere(identifier)
    point, place = max(matching, key=lambda pair: len(pair[0].parts))
    if place is None:
        raise _nowhere(identifier)
    folder = "/".join([*path.relative_to(point).parts, *below])
    return OutputPlace(place.kind, place.account, place.name, folder, place.endpoint, place.key)


def own_folders(
    job: Run, spec: JobSpec, cluster: MountVolumes, settings: Settings
) -> tuple[OutputPlace, ...]:
    """The folders that are a run's own, with all that it wrote below its path prefixes: each ends in
    `jobs/<name>/<uuid>`, which no other run has. What lies on no share and in no container that this
    installation may reach is not among them, nor what a prefix puts into a folder of a node's name."""
    found: dict[tuple[str, str, str, str], OutputPlace] = {}
    identifiers = (STDOUTERR_FOLDER, *(one.id for one in spec.output_directories))
    for attempt, identifier in itertools.product(range(1, max(job.attempt, 1) + 1), identifiers):
        try:
            place = output_place(job, spec, cluster, settings, identifier, ".", attempt)
        except RequestError:
            continue
        if folder := _own_part(place.folder, path_segment(settings.scope, job.id, job.uuid)):
            own = replace(place, folder=folder)
            found[own.kind, own.account, own.name, own.folder] = own
    return tuple(found.values())


def _own_part(folder: str, segment: str) -> str:
    """`folder` up to the end of the run's segment in it; "" where it does not hold it. A volume may be
    mounted inside the segment: then only its end is there."""
    parts, own = folder.split("/"), segment.split("/")
    if any(not part.strip(".") for part in parts):
        return ""  # a way out of what is above
    for most in range(len(own), _LEAST_PARTS - 1, -1):
        for end in range(most, len(parts) + 1):
            if parts[end - most : end] == own[-most:]:
                return "/".join(parts[:end])
    return ""


def _path(
    job: Run, spec: JobSpec, settings: Settings, layout: NodeLayout, identifier: str, attempt: int
) -> PurePosixPath:
    placement = Placement(
        scope=settings.scope,
        job=job.id,
        cluster=job.cluster,
        uuid=job.uuid,
        attempt=attempt,
        layout=layout,
        nodes=(Node("node", "127.0.0.1", 0),),
        index=0,
    )
    try:
        if identifier == STDOUTERR_FOLDER:
            return PurePosixPath(log_directory(spec, placement))
        folders = output_directories(spec, placement)
    except LaunchError as error:
        raise _nowhere(identifier) from error
    if identifier not in folders:
        text = f"The specified outputDirectoryId {identifier} is not an output directory of the job"
        raise RequestError(text, "OutputDirectoryNotFound")
    return PurePosixPath(folders[identifier])


def _below(directory: str) -> tuple[str, ...]:
    """The parts of a path below an output directory. Raises RequestError for one that leads out of it."""
    parts = tuple(part for part in directory.split("/") if part not in ("", "."))
    fault = relative_fault("/".join(parts)) if parts else None
    if any(not part.strip(".") for part in parts):
        fault = "must not have a part of dots alone"  # storage refuses such names
    if directory.startswith("/"):
        fault = "must be relative: no / at its beginning"
    if fault:
        raise RequestError(f"The directory {fault}", "InvalidDirectory")
    return parts


def _nowhere(identifier: str) -> RequestError:
    # The original's own words (a user's report quotes them).
    text = f"The specified outputDirectoryId {identifier} is not present on a mount root"
    return RequestError(text, "OutputDirectoryNotOnMountRoot")


def _points(
    root: str, mounts: MountVolumes, settings: Settings
) -> Iterator[tuple[PurePosixPath, OutputPlace | None]]:
    """Mount points under `root`, with what is mounted there; None where that cannot or must not be listed."""
    for share in mounts.azure_file_shares:
        try:
            place = share_place(share, settings)
        except ValueError:
            yield _point(root, share.relative_mount_path), None
        else:
            yield _point(root, share.relative_mount_path), _listed("share", place)
    for blobs in mounts.azure_blob_file_systems:
        yield _point(root, blobs.relative_mount_path), _listed("container", container_place(blobs, settings))
    for server in mounts.file_servers:
        yield _point(root, server.relative_mount_path), None
    for other in mounts.unmanaged_file_systems:
        yield _point(root, other.relative_mount_path), None


def _point(root: str, relative: str) -> PurePosixPath:
    return PurePosixPath(root) / relative


def _listed(kind: str, place: StoragePlace) -> OutputPlace | None:
    """None: a token of ours is for Azure's own services; or the document was accepted before what it names
    was refused on submission."""
    if place.closed or not place.opens:
        return None
    return OutputPlace(kind, place.account, place.name, "", place.endpoint, place.key)
