"""From the properties of a document to its spec: translate, fit, complete, check, validate. PURE."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from shared.defaults import with_defaults
from shared.findings import Finding, Path, note
from shared.fitting import fit
from shared.legacy import translate_cluster, translate_job
from shared.placeholders import OwnStorage, complete_volumes
from shared.raw import Raw
from shared.rules import cluster_findings, job_findings
from shared.rules_own_places import own_place_rules
from shared.spec_base import Model
from shared.spec_cluster import ClusterSpec
from shared.spec_job import JobSpec
from shared.validation import problems_of

Report = Callable[[Finding], None]
T = TypeVar("T", bound=Model)
#: Where the properties of a document stand in it.
ROOT: Path = ("properties",)


def read_job(
    properties: dict[str, Any], own: OwnStorage, default_cluster: str, report: Report
) -> JobSpec | None:
    """The job that `properties` describe; None where validation fails. All faults go to `report`."""
    job = fit(translate_job(properties, report, ROOT), JobSpec, report, ROOT)
    if "cluster" not in job:
        told = f"No cluster is named; the job goes to the cluster {default_cluster} of its workspace."
        report(note(ROOT, told))
        job["cluster"] = {"id": default_cluster}
    _complete(job, "mountVolumes", ROOT, own, report)
    for finding in job_findings(Raw(job, ROOT)):
        report(finding)
    return _validated(with_defaults(job), JobSpec, report)


def read_cluster(properties: dict[str, Any], own: OwnStorage, report: Report) -> ClusterSpec | None:
    """The cluster that `properties` describe; None where validation fails. All faults go to `report`."""
    cluster = fit(translate_cluster(properties, report, ROOT), ClusterSpec, report, ROOT)
    setup = cluster.get("nodeSetup")
    if isinstance(setup, dict):
        _complete(setup, "mountVolumes", (*ROOT, "nodeSetup"), own, report)
    for finding in cluster_findings(Raw(cluster, ROOT)):
        report(finding)
    return _validated(cluster, ClusterSpec, report)


def _complete(holder: dict[str, Any], key: str, path: Path, own: OwnStorage, report: Report) -> None:
    mounts = holder.get(key)
    if isinstance(mounts, dict):
        holder[key] = complete_volumes(Raw(mounts, (*path, key)), own, report)
        for finding in own_place_rules(Raw(holder[key], (*path, key)), own.places):
            report(finding)


def _validated(properties: dict[str, Any], model: type[T], report: Report) -> T | None:
    try:
        return model.model_validate(properties)
    except ValidationError as error:
        for finding in problems_of(error, model, ROOT):
            report(finding)
        return None
