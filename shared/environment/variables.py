"""The AZ_BATCHAI_* vocabulary: which variables the processes of a job see, and their values. PURE.

Source: the original's documentation of its environment variables; names with another origin are marked below.
"""

from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.documents.expansion import Expansion, inner_folder_fault
from shared.documents.spec import JobSpec
from shared.environment.layout import NodeLayout, output_directory, path_segment, stdouterr_directory
from shared.errors import LaunchError
from shared.names.ids import ClusterId, JobId, Scope, printable
from shared.names.paths import expanded_parts_fault, expanded_prefix_fault, left_root

#: Variables under this prefix that the service sets cannot be set by the document: the runner relies on them.
RESERVED_PREFIX = "AZ_BATCH"
METRICS_FILE = "AZ_BATCHAI_METRICS_FILE"  #: ours: what is appended there is carried like output
#: "Batch AI will automatic setup backend when toolkit is specified" (guide to the Keras recipe).
_KERAS_BACKENDS = {"tensorflow": "tensorflow", "cntk": "cntk"}
_NOTHING: Mapping[str, str] = MappingProxyType({})
#: Characters of a path in a message; longer ones are cut.
_MOST_SHOWN = 500
#: (text, where it stands) -> the text with its variables filled in.
_Fill = Callable[[str, str], str]


@dataclass(frozen=True)
class Node:
    """One machine of a placement."""

    node_id: str
    address: str  #: how the other nodes reach it: IPv4, IPv6 or a name
    gpus: int  #: how many GPUs the job has there; 0 on a CPU machine
    ports: tuple[int, ...] = ()  #: free there, for the job's own servers; none: nobody has looked


@dataclass(frozen=True)
class Placement:
    """Where one attempt of one job runs, seen from one of its nodes."""

    scope: Scope
    job: JobId
    cluster: ClusterId
    uuid: str
    attempt: int  #: counts from 1
    layout: NodeLayout  #: the same on every node
    nodes: tuple[Node, ...]  #: index 0 is the leader (the original's "master node")
    index: int = 0  #: which of `nodes` "this" is
    first_port: int = 2222  #: where nobody has looked for free ports, they count from here on each address

    @property
    def leader(self) -> Node:
        return self.nodes[0]

    @property
    def this(self) -> Node:
        return self.nodes[self.index]

    def port(self, node: int, number: int) -> int:
        """The port of server `number` (from 0) of the job on a node. Raises LaunchError where the node has
        offered too few."""
        ports = self.nodes[node].ports
        if not ports:
            return self.first_port + number
        if number >= len(ports):
            raise LaunchError(
                f"node {self.nodes[node].node_id} has {len(ports)} free ports for the job, which needs more"
            )
        return ports[number]


@dataclass(frozen=True)
class JobPaths:
    """The folders a document names, expanded, as this node sees them. Keys are ids as written."""

    logs: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def job_environment(
    spec: JobSpec,
    placement: Placement,
    *,
    process: Mapping[str, str] = _NOTHING,
    base: Mapping[str, str] = _NOTHING,
) -> dict[str, str]:
    """The variables of every process of the job on this node, jobPreparation included; all values expanded.

    Later layers win: the service's variables, those of one `process` (TASK_INDEX, TF_CONFIG, ...), the
    document's environmentVariables in their order (each may refer to everything before it), its secrets,
    taken literally. The document cannot replace what the service sets under AZ_BATCH (`ignored_variables`).
    `base` is what the machine or image sets already: only looked up (so that `/opt/bin:$PATH` works), not
    returned.
    Raises LaunchError where a path does not come out absolute, a secret is still an unresolved reference, or
    it all comes to more than a process can be given.
    """
    values = _service_variables(spec, placement) | dict(process)
    reserved = {name for name in values if name.startswith(RESERVED_PREFIX)}
    expansion = Expansion(ChainMap(values, dict(base)), taken=values)
    for variable in spec.environment_variables:
        if variable.name not in reserved:
            what = f"the environment variable {printable(variable.name)}"
            values[variable.name] = expansion.fill(variable.value, what)
    for secret in spec.secrets:
        if secret.value is None:
            raise LaunchError(
                f"the secret {secret.name} has no value yet: its Key Vault reference is unresolved"
            )
        if secret.name not in reserved:
            value = values[secret.name] = secret.value.get_secret_value()
            expansion.count(value, f"the secret {printable(secret.name)}")
    return values


def process_environment(
    spec: JobSpec,
    placement: Placement,
    process: Mapping[str, str],
    *,
    base: Mapping[str, str] = _NOTHING,
) -> dict[str, str]:
    """What differs from `job_environment` for a process that has the variables `process` of its own.

    More than `process` itself where the document's variables refer to it (`RANK=$AZ_BATCHAI_TASK_INDEX`),
    less where the document sets one of them (its own TF_CONFIG).
    """
    common = job_environment(spec, placement, base=base)
    own = job_environment(spec, placement, process=process, base=base)
    return {name: value for name, value in own.items() if common.get(name) != value}


def job_paths(spec: JobSpec, placement: Placement) -> JobPaths:
    """The log, input and output folders. A path may refer to the node's variables and to folders before it
    (logs, then inputs, then outputs, each in the document's order).

    Raises LaunchError where the folder of logs or outputs does not come out absolute, where what variables
    bring in leads a path out of its root, and where paths come out too long. Otherwise input paths may be
    anything.
    """
    known = _node_variables(placement)
    fill = Expansion(known).fill
    segment = path_segment(placement.scope, placement.job, placement.uuid)
    prefix = _absolute(spec.std_out_err_path_prefix, known, fill, "stdOutErrPathPrefix")
    logs = _plain(stdouterr_directory(prefix, segment), "stdOutErrPathPrefix")
    known["AZ_BATCHAI_STDOUTERR_DIR"] = logs
    inputs, outputs = {}, {}
    for folder in spec.input_directories:
        path = _within_root(folder.path, known, fill, f"path of the input directory {folder.id}")
        inputs[folder.id] = known[f"AZ_BATCHAI_INPUT_{folder.id}"] = path
    for output in spec.output_directories:
        what = f"the output directory {output.id}"
        prefix = _absolute(output.path_prefix, known, fill, f"pathPrefix of {what}")
        suffix = output.path_suffix or ""
        if fault := inner_folder_fault(suffix, known, at_beginning=False):
            raise LaunchError(f"pathSuffix of {what} is {_shown(suffix)}; it {fault}")
        suffix = fill(suffix, f"pathSuffix of {what}")
        path = _plain(output_directory(prefix, segment, suffix), what)
        outputs[output.id] = known[f"AZ_BATCHAI_OUTPUT_{output.id}"] = path
    return JobPaths(logs, inputs, outputs)


def log_directory(spec: JobSpec, placement: Placement) -> str:
    """The folder of stdout, stderr and execution.log. Raises as `job_paths`."""
    return job_paths(spec, placement).logs


def output_directories(spec: JobSpec, placement: Placement) -> dict[str, str]:
    """Output directory id -> the folder to create before jobPreparation. Raises as `job_paths`."""
    return dict(job_paths(spec, placement).outputs)


def ignored_variables(spec: JobSpec, placement: Placement) -> tuple[str, ...]:
    """Names of the document's variables and secrets whose values are lost, since the service sets them."""
    ours = _service_variables(spec, placement)
    names = [v.name for v in spec.environment_variables] + [v.name for v in spec.secrets]
    return tuple(name for name in names if name in ours and name.startswith(RESERVED_PREFIX))


def endpoint(address: str, port: int) -> str:
    """`address:port`, with an IPv6 address in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _service_variables(spec: JobSpec, placement: Placement) -> dict[str, str]:
    paths = job_paths(spec, placement)
    variables = _node_variables(placement) | {"AZ_BATCHAI_STDOUTERR_DIR": paths.logs}
    variables |= {f"AZ_BATCHAI_INPUT_{key}": path for key, path in paths.inputs.items()}
    variables |= {f"AZ_BATCHAI_OUTPUT_{key}": path for key, path in paths.outputs.items()}
    backend = _KERAS_BACKENDS.get(spec.toolkit[0])
    return variables | ({"KERAS_BACKEND": backend} if backend else {})


def _node_variables(placement: Placement) -> dict[str, str]:
    layout, leader, gpus = placement.layout, placement.leader.address, str(placement.this.gpus)
    return {
        "AZ_BATCHAI_MOUNT_ROOT": layout.mount_root,
        "AZ_BATCHAI_JOB_MOUNT_ROOT": layout.job_mount_root,
        "AZ_BATCHAI_JOB_TEMP": layout.job_temp,
        "AZ_BATCHAI_JOB_TEMP_DIR": layout.job_temp_root,
        "AZ_BATCHAI_SHARED_JOB_TEMP": layout.shared_job_temp,
        "AZ_BATCHAI_MPI_HOST_FILE": layout.hostfile,
        "AZ_BATCHAI_PREEMPTION_NOTICE": layout.preemption_notice,  # ours
        METRICS_FILE: layout.metrics_file(),
        "AZ_BATCHAI_NUM_GPUS": gpus,
        "AZ_BATCHAI_NUM_GPUS_PER_NODE": gpus,  # the name of 2017
        "AZ_BATCH_HOST_LIST": ",".join(node.address for node in placement.nodes),  # Azure Batch
        "AZ_BATCH_NODE_ID": placement.this.node_id,  # Azure Batch
        "AZ_BATCH_MASTER_NODE": endpoint(leader, placement.port(0, 0)),  # Azure Batch
        # Seen in Azure ML, which ran on the same back end afterwards:
        "AZ_BATCHAI_JOB_WORK_DIR": layout.working_directory,
        "AZ_BATCHAI_JOB_NAME": placement.job.job,
        "AZ_BATCHAI_CLUSTER_NAME": placement.cluster.cluster,
        "AZ_BATCHAI_MPI_MASTER_NODE": leader,
        "AZ_BATCHAI_JOB_MASTER_NODE_IP": leader,
        # Ours: user code can distinguish a re-run after a lost node from a first run.
        "AZ_BATCHAI_ATTEMPT": str(placement.attempt),
    }


def _absolute(path: str, known: Mapping[str, str], fill: _Fill, what: str) -> str:
    expanded = fill(path, what)
    if fault := expanded_prefix_fault(expanded) or inner_folder_fault(path, known):
        raise LaunchError(
            f"{what} is {_shown(path)}, which comes out as {_shown(expanded)} on the node; it {fault}"
        )
    return expanded


def _plain(path: str, what: str) -> str:
    if fault := expanded_parts_fault(path):
        raise LaunchError(f"{what} comes out as {_shown(path)} on the node; it {fault}")
    return path


def _within_root(text: str, known: Mapping[str, str], fill: _Fill, what: str) -> str:
    """`text` expanded. One that begins with a variable of the node stays below it."""
    expanded = fill(text, what)
    if base := left_root(text, expanded, known):
        raise LaunchError(f"{what} comes out as {_shown(expanded)} on the node, which leads out of {base}")
    if fault := inner_folder_fault(text, known):
        raise LaunchError(f"{what} is {_shown(text)}; it {fault}")
    return expanded


def _shown(path: str) -> str:
    return f"'{path}'" if len(path) <= _MOST_SHOWN else f"'{path[:_MOST_SHOWN]}…'"
