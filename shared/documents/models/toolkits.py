"""The nine *Settings objects: what a job runs. Exactly one is given. PURE.

`processCount` defaults to nodeCount everywhere; the parser writes the default in, as the service did.
"""

from typing import Annotated, Literal

from pydantic import Field

from shared.documents.models.base import Model, ProcessCount

CommunicationBackend = Annotated[
    Literal["TCP", "Gloo", "MPI", "NCCL"],
    # The original ignored case, so an editor should not complain about "gloo".
    Field(json_schema_extra={"enum": ["TCP", "Gloo", "MPI", "NCCL", "tcp", "gloo", "mpi", "nccl"]}),
]
LanguageType = Annotated[
    Literal["BrainScript", "Python"],
    Field(json_schema_extra={"enum": ["BrainScript", "Python", "brainscript", "python"]}),
]


class _Python(Model):
    """What all toolkits that run a Python script share."""

    python_script_file_path: str = Field(
        min_length=1, description="Python script to run; variables are expanded."
    )
    python_interpreter_path: str | None = Field(
        default=None, description="Python interpreter. Default: python."
    )


class _PythonWithArguments(_Python):
    command_line_args: str | None = Field(default=None, description="Arguments of the script.")


class _PythonProcesses(_PythonWithArguments):
    process_count: ProcessCount | None = Field(
        default=None, description="Processes to start. Default: nodeCount."
    )


class PyTorchSettings(_PythonProcesses):
    """PyTorch: one process per rank. toolType pytorch."""

    communication_backend: CommunicationBackend | None = Field(
        default=None, description="Backend of torch.distributed; case is ignored. Not needed on one node."
    )


class TensorFlowSettings(_Python):
    """TensorFlow: a master, workers and parameter servers, one process each. toolType tensorflow."""

    master_command_line_args: str | None = Field(
        default=None, description="Arguments of the script in the master."
    )
    worker_command_line_args: str | None = Field(
        default=None, description="Arguments of the script in each worker."
    )
    parameter_server_command_line_args: str | None = Field(
        default=None, description="Arguments of the script in each parameter server."
    )
    worker_count: ProcessCount | None = Field(
        default=None,
        description="Workers, master included; at most nodeCount x GPUs. Default if distributed: nodeCount.",
    )
    parameter_server_count: ProcessCount | None = Field(
        default=None, description="Parameter servers; at most nodeCount. Default, distributed only: 1."
    )


class CntkSettings(Model):
    """CNTK, under mpirun. configFilePath (BrainScript) or pythonScriptFilePath (Python). toolType cntk."""

    language_type: LanguageType | None = Field(
        default=None, description="BrainScript or Python. Default: told by which file is given."
    )
    config_file_path: str | None = Field(default=None, description="BrainScript configuration file.")
    python_script_file_path: str | None = Field(default=None, description="Python script to run.")
    python_interpreter_path: str | None = Field(
        default=None, description="Python interpreter. Default: python."
    )
    command_line_args: str | None = Field(default=None, description="Arguments of the script or of cntk.")
    process_count: ProcessCount | None = Field(
        default=None, description="Processes to start. Default: nodeCount."
    )


class CaffeSettings(Model):
    """Caffe, under mpirun. configFilePath or pythonScriptFilePath, not both. toolType caffe."""

    config_file_path: str | None = Field(default=None, description="Caffe configuration file.")
    python_script_file_path: str | None = Field(default=None, description="Python script to run.")
    python_interpreter_path: str | None = Field(
        default=None, description="Python interpreter. Default: python."
    )
    command_line_args: str | None = Field(default=None, description="Arguments of the script or of caffe.")
    process_count: ProcessCount | None = Field(
        default=None, description="Processes to start. Default: nodeCount."
    )


class Caffe2Settings(_PythonWithArguments):
    """Caffe2: one process per node. toolType caffe2."""


class ChainerSettings(_PythonProcesses):
    """ChainerMN, under mpirun. toolType chainer."""


class HorovodSettings(_PythonProcesses):
    """Horovod, under mpirun. toolType horovod."""


class CustomMpiSettings(Model):
    """Any command, under mpirun. toolType custommpi (SDK 2.0 knew it as mpi)."""

    command_line: str = Field(min_length=1, description="What mpirun runs.")
    process_count: ProcessCount | None = Field(
        default=None, description="Processes to start. Default: nodeCount."
    )


class CustomToolkitSettings(Model):
    """Any command, run once, on the leading node. toolType custom."""

    command_line: str = Field(min_length=1, description="Shell command, run on the leading node only.")


ToolkitSettings = (
    CntkSettings
    | PyTorchSettings
    | TensorFlowSettings
    | CaffeSettings
    | Caffe2Settings
    | ChainerSettings
    | HorovodSettings
    | CustomMpiSettings
    | CustomToolkitSettings
)

#: attribute of JobSpec -> toolType as GET reports it (enum ToolType of the REST specification).
TOOL_TYPES = {
    "cntk_settings": "cntk",
    "py_torch_settings": "pytorch",
    "tensor_flow_settings": "tensorflow",
    "caffe_settings": "caffe",
    "caffe2_settings": "caffe2",
    "chainer_settings": "chainer",
    "horovod_settings": "horovod",
    "custom_mpi_settings": "custommpi",
    "custom_toolkit_settings": "custom",
}
