"""chainerSettings: a Python script under mpirun. PURE."""

from shared.launch import mpi, python_tool
from shared.launch.plan import Context, Launch, required


def launch(context: Context) -> Launch:
    settings = required(context.spec.chainer_settings, "chainerSettings")
    command = python_tool.command(settings, settings.command_line_args, context.python)
    return mpi.launch(context, command, settings.process_count)
