"""Rules over the directories of a job and stdOutErrPathPrefix: ids, paths, what they lie on. PURE."""

import re

from shared.documents.findings import Finding, Findings, Path, Raw, note, warning
from shared.documents.rules.volumes import mount_points
from shared.names.ids import printable
from shared.names.paths import (
    MountPoints,
    RootedPath,
    characters_fault,
    leaves_root,
    prefix_fault,
    relative_fault,
    rooted,
)

JOB_ROOT = "AZ_BATCHAI_JOB_MOUNT_ROOT"
CLUSTER_ROOT = "AZ_BATCHAI_MOUNT_ROOT"
_LOCAL = (
    "AZ_BATCHAI_JOB_TEMP",
    "AZ_BATCHAI_JOB_TEMP_DIR",
    "AZ_BATCHAI_SHARED_JOB_TEMP",
    "AZ_BATCHAI_JOB_WORK_DIR",
)
_ID = re.compile(r"\w{1,256}", re.ASCII)
_LOST = "Write $AZ_BATCHAI_JOB_MOUNT_ROOT/<relativeMountPath of a volume> to keep it."
_ON_NODE = "lies on the node's own disk: it cannot be listed and is lost with the node."


def directory_rules(job: Raw) -> Findings:
    """Everything about the directories of a job."""
    yield from _ids(job, "inputDirectories")
    yield from _ids(job, "outputDirectories")
    for folder in job.children("inputDirectories"):
        yield from _input(folder)
    points = mount_points(job.child("mountVolumes"))
    for folder in job.children("outputDirectories"):
        yield from _prefix(folder, "pathPrefix", points)
        yield from _suffix(folder)
    yield from _prefix(job, "stdOutErrPathPrefix", points)


def _ids(job: Raw, group: str) -> Findings:
    seen: set[str] = set()
    for folder in job.children(group):
        name, path = folder.text("id"), folder.at("id")
        if not name:
            continue
        if name in seen:
            yield Finding(path, f"{printable(name)} is the id of another entry too.", "Give each its own id.")
        seen.add(name)
        if any(c in "=/" or ord(c) < 32 or ord(c) == 127 for c in name) or len(name) > 256:
            message = f"{printable(name)} cannot be an id: it becomes part of a variable's name."
            yield Finding(path, message, "Use letters, digits and _.")
        elif not _ID.fullmatch(name):
            message = (
                f"{printable(name)} is used as it is in a variable's name, and a shell cannot refer to that."
            )
            yield warning(path, message, "Use letters, digits and _.")
        if group == "outputDirectories" and name == "stdouterr":
            yield warning(
                path, "stdouterr is the id under which the job's logs are listed.", "Choose another."
            )


def _input(folder: Raw) -> Findings:
    path = folder.text("path")
    if not path:
        return
    fault = characters_fault(path)
    if fault is None and leaves_root(path):
        fault = "must not lead out of its root with .."
    if fault:
        yield Finding(folder.at("path"), f"path {fault}.", "Write $AZ_BATCHAI_JOB_MOUNT_ROOT/<folder>.")


def _suffix(folder: Raw) -> Findings:
    suffix = folder.text("pathSuffix")
    if suffix:
        fault = relative_fault(suffix)
        if fault:
            yield Finding(folder.at("pathSuffix"), f"pathSuffix {fault}.", "Write a folder such as models.")


def _prefix(holder: Raw, key: str, points: MountPoints) -> Findings:
    """A prefix must be a folder that can be made; where it will be lost or is not mounted, say so."""
    text, path = holder.text(key), holder.at(key)
    if not text:
        return
    fault = prefix_fault(text)
    if fault:
        yield Finding(path, f"{key} {fault}.", _LOST)
        return
    if text.startswith("/"):
        yield warning(path, f"{key} {_ON_NODE}", _LOST)
    root = rooted(text)
    if root and root.variable in _LOCAL:
        yield warning(path, f"{key} {_ON_NODE}", _LOST)
    elif root and root.variable in (JOB_ROOT, CLUSTER_ROOT) and not root.parts:
        yield warning(path, f"{key} names no volume, so it {_ON_NODE}", _LOST)
    elif root:
        yield from _unmounted(root, key, path, points)


def _unmounted(root: RootedPath, key: str, path: Path, points: MountPoints) -> Findings:
    mounted = points.hold(root.parts)
    if root.variable == JOB_ROOT and not mounted:
        message = f"{key}: the job mounts nothing at {printable(root.parts[0])}, so it {_ON_NODE}"
        names = ", ".join(printable(name) for name in points.names(10))
        yield warning(path, message, f"Its volumes are {names}." if names else "Its mountVolumes are empty.")
    elif root.variable == CLUSTER_ROOT and mounted:
        message = f"{key} means a volume of the cluster, but the job mounts one of that name itself."
        yield warning(path, message, f"Did you mean ${JOB_ROOT}?")
    elif root.variable == CLUSTER_ROOT:
        message = f"{key} is kept only if the cluster mounts a volume at {printable(root.parts[0])}."
        yield note(path, message)
