"""caffeSettings: `caffe train` with a solver file, or a Python script; under mpirun. PURE."""

from shared.launch import mpi, python_tool
from shared.launch.plan import Context, Launch, required


def launch(context: Context) -> Launch:
    settings = required(context.spec.caffe_settings, "caffeSettings")
    if settings.config_file_path:
        command = (
            f"caffe train --solver={settings.config_file_path} {settings.command_line_args or ''}".strip()
        )
    else:
        required(settings.python_script_file_path, "caffeSettings.configFilePath or .pythonScriptFilePath")
        command = python_tool.command(settings, settings.command_line_args, context.python)
    return mpi.launch(context, command, settings.process_count)
