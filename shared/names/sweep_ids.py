"""Sweeps' ids, the place of a sweep.json, and the marks by which a job is known as a run of a sweep. PURE."""

import re
from dataclasses import dataclass

from shared.names.ids import JobId, Scope, job_from_blob_path

SWEEP_FILE = "sweep.json"
#: What the mark of a run's source begins with, where a dropped job has an ETag.
RUN_MARK = "sweep-"
_MARK = re.compile(RUN_MARK + r"([0-9a-f-]{36})\.(\d{1,9})\.(\d{1,9})", re.ASCII)


@dataclass(frozen=True)
class SweepId:
    """A sweep: a name inside an experiment of a workspace (`workspace` as in ClusterId)."""

    workspace: str
    experiment: str
    sweep: str

    def __str__(self) -> str:
        return f"{self.workspace}/{self.experiment}/{self.sweep}"

    def job(self, index: int) -> JobId:
        """The job of the run with an index."""
        return JobId(self.workspace, self.experiment, f"{self.sweep}-{index}")


@dataclass(frozen=True)
class RunMark:
    """Which run of which sweep a job is: what the source of its row says behind the @."""

    sweep_uuid: str
    generation: int  #: times that the sweep's failed runs had been begun again
    number: int

    def __str__(self) -> str:
        return f"{RUN_MARK}{self.sweep_uuid}.{self.generation}.{self.number}"


def run_mark(source: str) -> RunMark | None:
    """The mark in the source of a job's row; None of a job that is no run of a sweep."""
    match = _MARK.fullmatch(source.rpartition("@")[2])
    return RunMark(match[1], int(match[2]), int(match[3])) if match else None


def sweep_of(job: JobId) -> SweepId:
    """The sweep that a run's job is named after."""
    return SweepId(job.workspace, job.experiment, job.job.rpartition("-")[0])


def sweep_arm_id(sweep: SweepId, scope: Scope) -> str:
    """ARM id of a sweep."""
    return f"{scope.experiment(sweep.workspace, sweep.experiment)}/sweeps/{sweep.sweep}"


def sweep_from_blob_path(path: str, default_workspace: str, default_experiment: str, scope: Scope) -> SweepId:
    """The sweep that `<workspace>/<experiment>/<sweep>/sweep.json` (or a short form of it) names, as a job's
    path names the job. Raises ValueError with a message for people."""
    folder, _, leaf = path.rpartition("/")
    if leaf != SWEEP_FILE:
        raise ValueError(f"the file must be called {SWEEP_FILE}")
    place = f"{folder}/job.json".removeprefix("/")
    try:
        job = job_from_blob_path(place, default_workspace, default_experiment, scope)
    except ValueError as fault:
        words = str(fault).replace("job.json", SWEEP_FILE).replace("<job>", "<sweep>")
        raise ValueError(words.replace("the job name", "the sweep name")) from None
    return SweepId(job.workspace, job.experiment, job.job)
