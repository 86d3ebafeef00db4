"""Rules over the variables that commands and paths refer to: what nothing sets expands to nothing. PURE."""

import itertools
import re
from collections.abc import Iterable, Iterator

from shared.documents.coercion import closest
from shared.documents.findings import Findings, Path, Raw, warning
from shared.documents.rules.toolkits import toolkits

#: Set for every job (the original's documentation; the last lines are from Azure Batch and Azure ML).
ALWAYS = frozenset(
    (
        "AZ_BATCHAI_MOUNT_ROOT",
        "AZ_BATCHAI_JOB_MOUNT_ROOT",
        "AZ_BATCHAI_JOB_TEMP",
        "AZ_BATCHAI_JOB_TEMP_DIR",
        "AZ_BATCHAI_SHARED_JOB_TEMP",
        "AZ_BATCHAI_STDOUTERR_DIR",
        "AZ_BATCHAI_MPI_HOST_FILE",
        "AZ_BATCHAI_NUM_GPUS",
        "AZ_BATCHAI_NUM_GPUS_PER_NODE",
        "AZ_BATCHAI_JOB_WORK_DIR",
        "AZ_BATCHAI_JOB_NAME",
        "AZ_BATCHAI_CLUSTER_NAME",
        "AZ_BATCHAI_MPI_MASTER_NODE",
        "AZ_BATCHAI_JOB_MASTER_NODE_IP",
        "AZ_BATCHAI_ATTEMPT",
        "AZ_BATCHAI_PREEMPTION_NOTICE",
        "AZ_BATCHAI_METRICS_FILE",
        "AZ_BATCH_HOST_LIST",
        "AZ_BATCH_NODE_ID",
        "AZ_BATCH_MASTER_NODE",
    )
)
#: Those of them that hold an absolute path.
FOLDERS = frozenset(
    (
        "AZ_BATCHAI_MOUNT_ROOT",
        "AZ_BATCHAI_JOB_MOUNT_ROOT",
        "AZ_BATCHAI_JOB_TEMP",
        "AZ_BATCHAI_JOB_TEMP_DIR",
        "AZ_BATCHAI_SHARED_JOB_TEMP",
        "AZ_BATCHAI_STDOUTERR_DIR",
        "AZ_BATCHAI_MPI_HOST_FILE",
        "AZ_BATCHAI_JOB_WORK_DIR",
        "AZ_BATCHAI_PREEMPTION_NOTICE",
        "AZ_BATCHAI_METRICS_FILE",
    )
)
#: Set for some toolkits only.
BY_TOOLKIT = {
    "AZ_BATCHAI_PS_HOSTS": ("tensorflow",),
    "AZ_BATCHAI_WORKER_HOSTS": ("tensorflow",),
    "AZ_BATCHAI_TASK_TYPE": ("tensorflow",),
    "AZ_BATCHAI_TF_CONFIG_CHIEF": ("tensorflow",),
    "AZ_BATCHAI_TASK_INDEX": ("tensorflow", "pytorch", "caffe2"),
    "AZ_BATCHAI_PYTORCH_INIT_METHOD": ("pytorch",),
    "AZ_BATCHAI_PYTORCH_BACKEND": ("pytorch",),
}
#: Undeclared variables reported of one job, and those for which a search is made for what was meant.
MOST_REPORTED = 1_000
MOST_GUESSES = 50
#: Retries of 2017 found the outputs of the run before under these names; they are empty.
_OPEN = ("AZ_BATCHAI_PREV_OUTPUT_",)
_REFERENCE = re.compile(r"(?<!\\)\$(?:\{(AZ_[A-Z]+_\w+)|(AZ_[A-Z]+_\w+))", re.ASCII)
_SETTINGS_TEXTS = (
    "commandLine",
    "pythonScriptFilePath",
    "pythonInterpreterPath",
    "configFilePath",
    "commandLineArgs",
    "masterCommandLineArgs",
    "workerCommandLineArgs",
    "parameterServerCommandLineArgs",
)


def job_variables(job: Raw) -> Findings:
    """Every AZ_ variable that the job refers to and nothing sets."""
    yield from itertools.islice(_job_variables(job), MOST_REPORTED)


def _job_variables(job: Raw) -> Findings:
    tools = {tool for tool, _ in toolkits(job)}
    own = {f"AZ_BATCHAI_{kind}_{id_}" for kind, id_ in _directories(job)} | set(_own_names(job))
    candidates = [*ALWAYS, *BY_TOOLKIT, *own]
    for count, (path, name) in enumerate(_references(job, own)):
        yield from _unset(path, name, tools, candidates if count < MOST_GUESSES else ())


def _references(job: Raw, own: set[str]) -> Iterator[tuple[Path, str]]:
    """(place, name) of every reference to a variable that is not set for all jobs."""
    for path, text in _texts(job):
        for name in dict.fromkeys(m[1] or m[2] for m in _REFERENCE.finditer(text)):
            if name not in ALWAYS and name not in own and not name.startswith(_OPEN):
                yield path, name


def setup_variables(setup: Raw) -> Findings:
    """The same for the setup task of a cluster, which has the cluster's variables only."""
    known = {"AZ_BATCHAI_MOUNT_ROOT", "AZ_BATCHAI_NUM_GPUS", "AZ_BATCHAI_CLUSTER_NAME", *_own_names(setup)}
    for key in ("commandLine", "stdOutErrPathPrefix"):
        for name in dict.fromkeys(m[1] or m[2] for m in _REFERENCE.finditer(setup.text(key) or "")):
            if name not in known:
                yield warning(
                    setup.at(key), f"${_cut(name)} is not set for a setup task; it expands to nothing."
                )


def _unset(path: Path, name: str, tools: set[str], candidates: Iterable[str]) -> Findings:
    kinds, shown = BY_TOOLKIT.get(name, ()), _cut(name)
    if tools.intersection(kinds):
        return
    if kinds:
        yield warning(
            path, f"${name} is set only for {' and '.join(kinds)} jobs; here it expands to nothing."
        )
        return
    close = closest(name, candidates)
    hint = f"Did you mean ${close}?" if close else ""
    for kind, group in (("INPUT", "inputDirectories"), ("OUTPUT", "outputDirectories")):
        if name.startswith(f"AZ_BATCHAI_{kind}_"):
            wanted = shown.removeprefix(f"AZ_BATCHAI_{kind}_")
            hint = hint or f"Declare it: {group} needs an entry with the id {wanted}."
    yield warning(path, f"Nothing sets ${shown}; it expands to nothing.", hint)


def _cut(name: str) -> str:
    return name if len(name) <= 80 else name[:80] + "…"


def _directories(job: Raw) -> Iterator[tuple[str, str]]:
    for kind, group in (("INPUT", "inputDirectories"), ("OUTPUT", "outputDirectories")):
        for folder in job.children(group):
            if name := folder.text("id"):
                yield kind, name


def _own_names(holder: Raw) -> Iterator[str]:
    for group in ("environmentVariables", "secrets"):
        for variable in holder.children(group):
            if name := variable.text("name"):
                yield name


def _texts(job: Raw) -> Iterator[tuple[Path, str]]:
    """Every text of a job in which variables are expanded; secrets are taken literally."""
    holders: list[tuple[Raw, tuple[str, ...]]] = [
        (settings, _SETTINGS_TEXTS) for _, settings in toolkits(job)
    ]
    holders += [(job.child("jobPreparation"), ("commandLine",)), (job, ("stdOutErrPathPrefix",))]
    holders += [(folder, ("path",)) for folder in job.children("inputDirectories")]
    holders += [(folder, ("pathPrefix", "pathSuffix")) for folder in job.children("outputDirectories")]
    holders += [(variable, ("value",)) for variable in job.children("environmentVariables")]
    for holder, keys in holders:
        for key in keys:
            if text := holder.text(key):
                yield holder.at(key), text
