"""The nine *Settings objects: what a job runs. Exactly one is given. PURE.

`processCount` defaults to nodeCount everywhere; the parser writes the default in, as the service did.
"""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

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


class ToolkitSettings(Model):
    """What every *Settings object has."""

    tool_type: ClassVar[str]  #: as GET reports it (enum ToolType of the REST specification)


class _Python(ToolkitSettings):
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

    tool_type = "pytorch"

    communication_backend: CommunicationBackend | None = Field(
        default=None, description="Backend of torch.distributed; case is ignored. Not needed on one node."
    )


class TensorFlowSettings(_Python):
    """TensorFlow: a master, workers and parameter servers, one process each. toolType tensorflow."""

    tool_type = "tensorflow"

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


class CntkSettings(ToolkitSettings):
    """CNTK, under mpirun. configFilePath (BrainScript) or pythonScriptFilePath (Python). toolType cntk."""

    tool_type = "cntk"

    language_type: LanguageType | None = Field(
        default=None, description="BrainScript or Python. Default: by which file is given."
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


class CaffeSettings(ToolkitSettings):
    """Caffe, under mpirun. configFilePath or pythonScriptFilePath, not both. toolType caffe."""

    tool_type = "caffe"

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

    tool_type = "caffe2"


class ChainerSettings(_PythonProcesses):
    """ChainerMN, under mpirun. toolType chainer."""

    tool_type = "chainer"


class HorovodSettings(_PythonProcesses):
    """Horovod, under mpirun. toolType horovod."""

    tool_type = "horovod"


class CustomMpiSettings(ToolkitSettings):
    """Any command, under mpirun. toolType custommpi (SDK 2.0 knew it as mpi)."""

    tool_type = "custommpi"

    command_line: str = Field(min_length=1, description="What mpirun runs.")
    process_count: ProcessCount | None = Field(
        default=None, description="Processes to start. Default: nodeCount."
    )


class CustomToolkitSettings(ToolkitSettings):
    """Any command, run once, on the leading node. toolType custom."""

    tool_type = "custom"

    command_line: str = Field(min_length=1, description="Shell command, run on the leading node only.")


class ToolkitMembers(Model):
    """The members of job.json that name a toolkit; the parser sees to it that exactly one is given."""

    cntk_settings: CntkSettings | None = Field(default=None, description="Run CNTK.")
    py_torch_settings: PyTorchSettings | None = Field(default=None, description="Run PyTorch.")
    tensor_flow_settings: TensorFlowSettings | None = Field(default=None, description="Run TensorFlow.")
    caffe_settings: CaffeSettings | None = Field(default=None, description="Run Caffe.")
    caffe2_settings: Caffe2Settings | None = Field(default=None, description="Run Caffe2.")
    chainer_settings: ChainerSettings | None = Field(default=None, description="Run Chainer.")
    custom_toolkit_settings: CustomToolkitSettings | None = Field(
        default=None, description="Run any command, once."
    )
    custom_mpi_settings: CustomMpiSettings | None = Field(
        default=None, description="Run any command under mpirun."
    )
    horovod_settings: HorovodSettings | None = Field(default=None, description="Run Horovod.")

    @property
    def toolkit(self) -> tuple[str, ToolkitSettings]:
        """(toolType as GET reports it, settings) of the one *Settings object given."""
        for attribute in MODELS:
            settings: ToolkitSettings | None = getattr(self, attribute)
            if settings is not None:
                return settings.tool_type, settings
        raise AttributeError("this JobSpec has no *Settings object; parse_job never returns such a one")


def _settings_of(field: FieldInfo) -> type[ToolkitSettings]:
    model: type[ToolkitSettings] = get_args(field.annotation)[0]  # of `<Settings> | None`
    return model


def _place(attribute: str) -> str:
    # People read of the engines first, then of those that run any command.
    return attribute if attribute.startswith("custom") else ""


#: attribute of JobSpec -> its model.
MODELS = {
    name: _settings_of(ToolkitMembers.model_fields[name])
    for name in sorted(ToolkitMembers.model_fields, key=_place)
}
#: attribute of JobSpec -> toolType.
TOOL_TYPES = {name: model.tool_type for name, model in MODELS.items()}
#: REST names of those whose processCount is nodeCount when missing (REST specification).
WITH_PROCESS_COUNT = tuple(to_camel(n) for n, m in MODELS.items() if "process_count" in m.model_fields)
