"""Rules over the *Settings objects: exactly one, and within each what belongs together. PURE."""

from collections.abc import Iterator

from pydantic.alias_generators import to_camel

from shared.documents.findings import Finding, Findings, Raw, note, warning
from shared.documents.models.toolkits import TOOL_TYPES

#: REST name of each *Settings object -> toolType.
SETTINGS = {to_camel(attribute): tool_type for attribute, tool_type in TOOL_TYPES.items()}


def toolkits(job: Raw) -> Iterator[tuple[str, Raw]]:
    """(toolType, settings) of every *Settings object given."""
    for name, tool_type in SETTINGS.items():
        if isinstance(job.value.get(name), dict):
            yield tool_type, job.child(name)


def one_toolkit(job: Raw) -> Findings:
    """Exactly one *Settings object must be given."""
    given = [name for name in SETTINGS if name in job]
    if not given:
        names = ", ".join(SETTINGS)
        yield Finding(job.path, "No *Settings object says what to run.", f"Give one of {names}.")
    for name in given[1:]:
        message = f"{' and '.join(given)} are given; a job runs one toolkit."
        yield Finding(job.at(name), message, "Keep one of them.", at_key=True)


def commands_not_blank(job: Raw) -> Findings:
    """A command or script of nothing but spaces cannot run."""
    places = [*toolkits(job), ("preparation", job.child("jobPreparation"))]
    for _, settings in places:
        for key in ("commandLine", "pythonScriptFilePath", "configFilePath", "pythonInterpreterPath"):
            text = settings.text(key)
            if text is not None and text and not text.strip():
                yield Finding(settings.at(key), f"{key} must not be empty.")


def cntk(job: Raw) -> Findings:
    """A BrainScript configuration or a Python script, not both, as languageType says."""
    settings = job.child("cntkSettings")
    if not isinstance(job.value.get("cntkSettings"), dict):
        return
    config, script = "configFilePath" in settings, "pythonScriptFilePath" in settings
    language = settings.text("languageType")
    if config == script:
        message = (
            "configFilePath and pythonScriptFilePath are both given."
            if config
            else "Nothing says what to run."
        )
        hint = "Give configFilePath (BrainScript) or pythonScriptFilePath (Python)."
        yield Finding(settings.path, message, hint)
    elif language == ("Python" if config else "BrainScript"):
        wanted = "pythonScriptFilePath" if config else "configFilePath"
        yield Finding(settings.at("languageType"), f"languageType {language} needs {wanted}.")
    if config and "pythonInterpreterPath" in settings:
        message = "pythonInterpreterPath has no use with a BrainScript configuration."
        yield warning(settings.at("pythonInterpreterPath"), message, "Take it out.")


def caffe(job: Raw) -> Findings:
    """A configuration or a Python script, not both."""
    settings = job.child("caffeSettings")
    if not isinstance(job.value.get("caffeSettings"), dict):
        return
    config, script = "configFilePath" in settings, "pythonScriptFilePath" in settings
    if config == script:
        message = (
            "configFilePath and pythonScriptFilePath are both given."
            if config
            else "Nothing says what to run."
        )
        yield Finding(settings.path, message, "Give configFilePath or pythonScriptFilePath.")
    if config and "pythonInterpreterPath" in settings:
        message = "pythonInterpreterPath has no use without pythonScriptFilePath."
        yield warning(settings.at("pythonInterpreterPath"), message, "Take it out.")


def pytorch(job: Raw) -> Findings:
    """Several nodes need a communication backend."""
    settings, nodes = job.child("pyTorchSettings"), job.whole("nodeCount")
    backend = settings.text("communicationBackend")
    if "pyTorchSettings" in job and nodes is not None and nodes > 1 and backend is None:
        message = "communicationBackend is missing; a job on several nodes needs one."
        yield warning(settings.path, message, "Add TCP, Gloo or MPI.")
    if backend == "NCCL":
        yield note(
            settings.at("communicationBackend"), "NCCL is newer than Batch AI; it is passed on as it is."
        )


def tensorflow(job: Raw) -> Findings:
    """At most one parameter server per node."""
    settings, nodes = job.child("tensorFlowSettings"), job.whole("nodeCount")
    servers = settings.whole("parameterServerCount")
    if nodes is not None and servers is not None and servers > max(nodes, 1):
        message = f"parameterServerCount is {servers}, but nodeCount is {nodes}."
        yield Finding(
            settings.at("parameterServerCount"), message, "Use at most one parameter server per node."
        )


def custom(job: Raw) -> Findings:
    """The custom toolkit's command runs once: more nodes than one idle unless it reaches them itself."""
    nodes = job.whole("nodeCount")
    if "customToolkitSettings" in job and nodes is not None and nodes > 1:
        message = f"The command runs on one of the {nodes} nodes; it must start the others itself, over ssh."
        yield note(
            job.at("customToolkitSettings"), message, "customMpiSettings starts a command on every node."
        )


RULES = (one_toolkit, commands_not_blank, cntk, caffe, pytorch, tensorflow, custom)
