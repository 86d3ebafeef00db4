"""AZ_BATCHAI_METRICS_FILE: the files in which a job's processes leave figures of their own.

Each named process of this node has one, and all others together; both are there before jobPreparation begins.
What is written is not looked at: readers skip what they cannot read.
"""

from collections.abc import Sequence

from runner.isolation import job_folders
from runner.isolation.job_user import JobUser
from runner.logs.routing import Logs
from runner.logs.stream import OpenFile
from shared.environment.variables import Placement
from shared.launch.plan import ProcessPlan, metrics_log_name

#: Of one file; what a job writes beyond is not carried.
MOST_BYTES = 64 * 1024 * 1024


def make(processes: Sequence[ProcessPlan], placement: Placement, user: JobUser, logs: Logs) -> None:
    """Make the files of this node and have them carried. Raises OSError."""
    here = [step.name for step in processes if step.node == placement.index and step.name]
    for name in dict.fromkeys(("", *here)):
        descriptor = job_folders.put_empty(placement.layout, placement.layout.metrics_file(name), user)
        logs.carry(metrics_log_name(name, placement), OpenFile(descriptor), MOST_BYTES)
