"""cntkSettings: a BrainScript configuration for `cntk`, or a Python script; under mpirun. PURE."""

from shared.launch import mpi, python_tool
from shared.launch.plan import Context, Launch, required


def launch(context: Context) -> Launch:
    """languageType decides; recipes leave it out, then it is what the document has a file for."""
    settings = required(context.spec.cntk_settings, "cntkSettings")
    language = settings.language_type or ("Python" if settings.python_script_file_path else "BrainScript")
    if language.lower() == "python":
        required(settings.python_script_file_path, "cntkSettings.pythonScriptFilePath")
        command = python_tool.command(settings, settings.command_line_args, context.python)
    else:
        config = required(settings.config_file_path, "cntkSettings.configFilePath")
        command = f"cntk configFile={config} {settings.command_line_args or ''}".strip()
    return mpi.launch(context, command, settings.process_count)
