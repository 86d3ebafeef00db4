"""The outermost object of a document: is it one, of which kind, and what stands beside `properties`. PURE."""

from collections.abc import Callable
from typing import Any

from shared.documents.coercion import REMARKS, report_unknown
from shared.documents.findings import Finding, Path, warning
from shared.documents.legacy import drop_beside
from shared.documents.models.cluster import ClusterSpec
from shared.documents.models.job import JobSpec
from shared.documents.models.shape import shape_of
from shared.documents.rules.toolkits import SETTINGS

Report = Callable[[Finding], None]

JOB, CLUSTER, FILE_SERVER = "job", "cluster", "file server"
_FORM = 'Write { "properties": { ... } }.'
#: Members that show a kind; any other kind's document has none of them.
_MARKERS = {
    JOB: frozenset(shape_of(JobSpec)) | frozenset(SETTINGS),
    CLUSTER: frozenset(shape_of(ClusterSpec)) - {"vmSize", "subnet"},
    FILE_SERVER: frozenset({"dataDisks", "sshConfiguration"}),
}


def document_kind(root: Any) -> str | None:
    """ "job", "cluster" or "file server", by what the document holds; None where that shows nothing."""
    properties = root.get("properties", root) if isinstance(root, dict) else None
    if not isinstance(properties, dict):
        return None
    counts = {kind: len(names.intersection(properties)) for kind, names in _MARKERS.items()}
    best = max(counts, key=lambda kind: counts[kind])
    if counts[best]:
        return best
    if "vmSize" in properties or "subnet" in properties:
        return CLUSTER
    schema = root.get("$schema")
    return CLUSTER if isinstance(schema, str) and schema.endswith("/cluster.json") else None


def unwrap(root: Any, kind: str, report: Report) -> dict[str, Any] | None:
    """The `properties` of a document of `kind`, or None where there is nothing to read further."""
    path: Path = ()
    if not isinstance(root, dict):
        report(Finding(path, f"A {kind} document must be an object.", _FORM))
        return None
    properties = root.get("properties")
    if properties is None:
        report(_bare(root, kind))
        return None
    if not isinstance(properties, dict):
        report(Finding(("properties",), "properties must be an object in braces { }.", _FORM))
        return None
    found = document_kind(root)
    if found is not None and found != kind:
        report(Finding(("properties",), f"This describes a {found}, not a {kind}.", _elsewhere(found)))
        return None
    known = drop_beside(root, report) | REMARKS | {"properties"}
    for name in root:
        if name in shape_of(JobSpec if kind == JOB else ClusterSpec):
            message = f"{name} stands beside properties and was dropped, as the original did."
            report(warning((name,), message, "Move it into properties.", at_key=True))
            known.add(name)
    report_unknown([name for name in root if name not in known], ("properties", "$schema"), report, path)
    return properties


def _bare(root: dict[str, Any], kind: str) -> Finding:
    inner = {*shape_of(JobSpec), *shape_of(ClusterSpec)}.intersection(root)
    if inner:
        message = f"properties is missing: {', '.join(sorted(inner)[:5])} must stand inside it."
        return Finding((), message, _FORM)
    return Finding((), f"properties is missing: a {kind} document must hold it.", _FORM)


def _elsewhere(kind: str) -> str:
    if kind == FILE_SERVER:
        return "File servers are not made here; mount an NFS server of your own with fileServers."
    return f"Drop it as {kind}.json in the container {kind}s."
