"""Older spellings (2017-09-01-preview, 2018-03-01) and members the service writes: mapped or dropped. PURE.

Sources: the original's JSON schemas of those versions, and what GET returned. Every step is reported in a
note.
"""

from collections.abc import Callable, Iterable
from typing import Any

from shared.documents.findings import Finding, Path, note, warning

Report = Callable[[Finding], None]

#: Members that the service reports; a document printed by `az batchai job show` carries them.
REPORTED_OF_JOB = frozenset(
    (
        "toolType",
        "jobOutputDirectoryPathSegment",
        "creationTime",
        "provisioningState",
        "provisioningStateTransitionTime",
        "executionState",
        "executionStateTransitionTime",
        "executionInfo",
        "maxJobDurationSeconds",
    )
)
REPORTED_OF_CLUSTER = frozenset(
    (
        "allocationState",
        "allocationStateTransitionTime",
        "creationTime",
        "currentNodeCount",
        "errors",
        "nodeStateCounts",
        "provisioningState",
        "provisioningStateTransitionTime",
    )
)
#: Beside `properties`: what az printed, and what 2017 and 2018-03 asked for.
_BESIDE = {
    "location": "The location is the installation's.",
    "tags": "Tags belong to workspaces.",
    "id": "The place the file is dropped at names it.",
    "name": "The place the file is dropped at names it.",
    "type": "The place the file is dropped at says it.",
}
_OUTPUT_TYPES = "model, logs, summary and custom made no difference to the job."


def translate_job(properties: dict[str, Any], report: Report, path: Path = ()) -> dict[str, Any]:
    """A copy of a job's properties in today's spelling. Renamed members keep their place in the text."""
    out = _without(properties, REPORTED_OF_JOB, report, path)
    if "experimentName" in out:
        _drop(
            out, "experimentName", "The experiment is named by the path the file is dropped at.", report, path
        )
    if "location" in out:
        _drop(out, "location", _BESIDE["location"], report, path)
    _priority(out, report, path)
    folders = out.get("outputDirectories")
    if isinstance(folders, list):
        out["outputDirectories"] = [
            _output(folder, report, (*path, "outputDirectories", index))
            for index, folder in enumerate(folders)
        ]
    return out


def translate_cluster(properties: dict[str, Any], report: Report, path: Path = ()) -> dict[str, Any]:
    """A copy of a cluster's properties in today's spelling."""
    out = _without(properties, REPORTED_OF_CLUSTER, report, path)
    if "location" in out:
        _drop(out, "location", _BESIDE["location"], report, path)
    setup = out.get("nodeSetup")
    task = setup.get("setupTask") if isinstance(setup, dict) else None
    if isinstance(setup, dict) and isinstance(task, dict):
        at, task = (*path, "nodeSetup", "setupTask"), dict(task)
        if "runElevated" in task:
            _drop(task, "runElevated", "Setup tasks run as root.", report, at)
        if "stdOutErrPathSuffix" in task:
            _drop(task, "stdOutErrPathSuffix", "The service sets it.", report, at)
        out["nodeSetup"] = {**setup, "setupTask": task}
    return out


def drop_beside(root: dict[str, Any], report: Report) -> set[str]:
    """The names of members beside `properties` that older versions or GET had; each reported in a note."""
    known = {name for name in _BESIDE if name in root}
    for name in sorted(known):
        report(note((name,), f"{name} was dropped.", _BESIDE[name], at_key=True))
    return known


def _without(properties: dict[str, Any], names: Iterable[str], report: Report, path: Path) -> dict[str, Any]:
    out = dict(properties)
    for name in sorted(set(names).intersection(out)):
        _drop(out, name, "The service reports it; a document cannot set it.", report, path)
    return out


def _drop(holder: dict[str, Any], name: str, why: str, report: Report, path: Path) -> None:
    del holder[name]
    report(note((*path, name), f"{name} was dropped.", why, at_key=True))


def _priority(out: dict[str, Any], report: Report, path: Path) -> None:
    """2017: an integer from -1000 to 1000, 0 by default; now low, normal, high."""
    if "priority" not in out:
        return
    value = out.pop("priority")
    here = (*path, "priority")
    try:
        number = 0 if value is None else int(value)
    except (TypeError, ValueError, OverflowError):
        report(
            Finding(
                here, "priority must be a whole number.", "Write schedulingPriority: low, normal or high."
            )
        )
        return
    if out.get("schedulingPriority") is not None:
        report(warning(here, "priority was dropped: schedulingPriority is given too.", at_key=True))
        return
    name = "low" if number < 0 else "high" if number > 0 else "normal"
    out["schedulingPriority"] = name
    message = f"priority (2017-09-01-preview) was read as schedulingPriority {name}."
    report(note(here, message, f'Write "schedulingPriority": "{name}".', at_key=True))


def _output(folder: Any, report: Report, path: Path) -> Any:
    if not isinstance(folder, dict):
        return folder
    out = dict(folder)
    if "type" in out:
        _drop(out, "type", _OUTPUT_TYPES, report, path)
    if "createNew" in out:
        fresh = out.pop("createNew")
        if fresh is False:
            message = "createNew false was dropped: the folder is always made, below the job's own path."
            report(warning((*path, "createNew"), message, "Use inputDirectories for a folder that exists."))
        else:
            report(
                note(
                    (*path, "createNew"), "createNew was dropped.", "The folder is always made.", at_key=True
                )
            )
    return out
