"""Rules over what a job's paths come to with their variables filled in: what no node could make. PURE.

The node fills them in by `shared.environment.variables.job_paths`, in the same order, with the same
faults.
"""

from shared.documents.expansion import expand, inner_folder_fault
from shared.documents.findings import Finding, Findings, Path, Raw
from shared.documents.rules.variables import ALWAYS, FOLDERS
from shared.errors import LaunchError
from shared.names.paths import (
    characters_fault,
    expanded_parts_fault,
    expanded_prefix_fault,
    leaves_root,
    left_root,
    prefix_fault,
    relative_fault,
)

_HINT = "Begin it with $AZ_BATCHAI_JOB_MOUNT_ROOT, and write the folders themselves."
#: What a path is written with: the folders of a node are absolute, the other variables hold none.
_VALUES = {name: "/node" if name in FOLDERS else "0" for name in ALWAYS}


#: Stands for a path that no process can be given: such a one is faulted elsewhere.
_ENDLESS = "/endless"


def expanded_path_rules(job: Raw) -> Findings:
    """Every path of a job that does not come out where a path may lie; those that are wrong as they are
    written are left to the other rules."""
    known = dict(_VALUES)
    del known["AZ_BATCHAI_STDOUTERR_DIR"]
    logs = job.text("stdOutErrPathPrefix") or ""
    yield from _prefix(logs, "stdOutErrPathPrefix", job.at("stdOutErrPathPrefix"), known)
    known["AZ_BATCHAI_STDOUTERR_DIR"] = _filled(logs, known)
    for folder in job.children("inputDirectories"):
        text, name = folder.text("path") or "", folder.text("id") or ""
        path = _filled(text, known)
        well = text and characters_fault(text) is None and not leaves_root(text)
        if well and path != _ENDLESS and left_root(text, path, known):
            message = f"path comes out as '{path[:200]}', which leads out of its root."
            yield Finding(folder.at("path"), message, "Write $AZ_BATCHAI_JOB_MOUNT_ROOT/<folder>.")
        elif well and (fault := inner_folder_fault(text, known)):
            yield Finding(folder.at("path"), f"path {fault}.", _HINT)
        known[f"AZ_BATCHAI_INPUT_{name}"] = path
    for folder in job.children("outputDirectories"):
        prefix, suffix = folder.text("pathPrefix") or "", folder.text("pathSuffix") or ""
        yield from _prefix(prefix, "pathPrefix", folder.at("pathPrefix"), known)
        yield from _suffix(suffix, folder.at("pathSuffix"), known)
        whole = f"{_filled(prefix, known).rstrip('/')}/{_filled(suffix, known).strip('/')}"
        known[f"AZ_BATCHAI_OUTPUT_{folder.text('id')}"] = whole


def _prefix(text: str, key: str, path: Path, known: dict[str, str]) -> Findings:
    filled = _filled(text, known)
    if (
        text
        and filled != _ENDLESS
        and prefix_fault(text) is None
        and (fault := expanded_prefix_fault(filled) or inner_folder_fault(text, known))
    ):
        yield Finding(path, f"{key}, its variables filled in, {fault}.", _HINT)


def _suffix(text: str, path: Path, known: dict[str, str]) -> Findings:
    if not text or relative_fault(text) is not None or (filled := _filled(text, known)) == _ENDLESS:
        return
    if fault := inner_folder_fault(text, known, at_beginning=False):
        yield Finding(path, f"pathSuffix {fault}.", _HINT)
    elif fault := expanded_parts_fault(filled):
        yield Finding(path, f"pathSuffix, its variables filled in, {fault}.", _HINT)


def _filled(text: str, known: dict[str, str]) -> str:
    """`text` with its variables filled in; `_ENDLESS` where that is too long, which other rules report."""
    try:
        return expand(text, known)
    except LaunchError:
        return _ENDLESS
