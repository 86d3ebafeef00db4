"""What a launch plan is made of, and what every toolkit module offers. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from shared.documents.spec import JobSpec
from shared.environment.variables import Placement, process_environment
from shared.errors import LaunchError

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessPlan:
    """One process to start."""

    name: str  #: of its log files: "" -> stdout.txt, "wk-0" -> stdout-wk-0.txt, "0" -> stdout-0.txt
    node: int  #: index of the node it starts on
    command: str  #: shell text for `bash -c` in the job's environment on that node; variables unexpanded
    #: What differs from job_environment. CUDA_VISIBLE_DEVICES counts within the GPUs the job has on the node:
    #: a runner that owns only some GPUs of its machine translates it, or numbers them anew by a container.
    environment: Mapping[str, str]
    role: str  #: "master", "worker", "ps", "rank", "mpi" or "command"
    essential: bool = (
        True  #: the job's exit code depends on it; others are ended when all essential ones are done
    )

    def log_name(self, stream: str) -> str:
        """Name of its log file; `stream` is "stdout" or "stderr"."""
        return f"{stream}-{self.name}.txt" if self.name else f"{stream}.txt"


@dataclass(frozen=True)
class LaunchPlan:
    """Everything to start for one attempt of a job, on all its nodes."""

    tool_type: str
    processes: tuple[ProcessPlan, ...]
    preparation: str | None  #: shell text to run on every node before the processes
    files: Mapping[str, str]  #: path on every node -> content, to be written before the preparation
    notes: tuple[str, ...]  #: for people: what was decided that the document does not say


@dataclass(frozen=True)
class Context:
    """What a toolkit module plans from."""

    spec: JobSpec
    placement: Placement
    python: str  #: the interpreter where the document names none
    base: Mapping[str, str]  #: variables the machine or image sets already, see job_environment

    @property
    def node_count(self) -> int:
        return len(self.placement.nodes)

    def environment(self, process: Mapping[str, str]) -> Mapping[str, str]:
        """What differs from job_environment for a process with the variables `process`."""
        return process_environment(self.spec, self.placement, process, base=self.base)


@dataclass(frozen=True)
class Launch:
    """What a toolkit module answers."""

    processes: tuple[ProcessPlan, ...]
    slots: tuple[int, ...] | None = None  #: processes per node in the MPI host file; None: one per GPU
    notes: tuple[str, ...] = field(default=())


class Toolkit(Protocol):
    """A toolkit is a module with this function."""

    def launch(self, context: Context) -> Launch:
        """The processes to start. Raises LaunchError for what cannot be."""


def preparation_log_name(stream: str, placement: Placement) -> str:
    """Name of jobPreparation's log on this node; `stream` is "stdout" or "stderr"."""
    return f"{stream}-job_prep{_of_node(placement)}.txt"


def execution_log_name(placement: Placement) -> str:
    """Name of the runner's own log on this node."""
    return f"execution{_of_node(placement)}.log"


def resources_log_name(placement: Placement) -> str:
    """Name of the samples of what the job's processes use on this node."""
    return f"resources{_of_node(placement)}.jsonl"


def metrics_log_name(process: str, placement: Placement) -> str:
    """Name of what a process, "" for all that have no name, has written to its AZ_BATCHAI_METRICS_FILE. A
    node's name cannot be taken for a process's."""
    if process:
        return f"metrics-{process}.jsonl"
    return f"metrics-node-{placement.this.node_id}.jsonl" if len(placement.nodes) > 1 else "metrics.jsonl"


def _of_node(placement: Placement) -> str:
    return f"-{placement.this.node_id}" if len(placement.nodes) > 1 else ""


def required(value: T | None, name: str) -> T:
    """`value`, or LaunchError where the document leaves out what the toolkit cannot do without."""
    if value is None:
        raise LaunchError(f"the job document does not give {name}, without which there is nothing to start")
    return value
