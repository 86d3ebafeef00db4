"""customMpiSettings: a command for mpirun. PURE."""

from shared.launch import mpi
from shared.launch.plan import Context, Launch, ProcessPlan, required
from shared.launch.spread import slots


def launch(context: Context) -> Launch:
    """Each rank runs the command in a shell of its own.

    A command that begins with options for mpirun (`-x NAME program`) is handed to mpirun as it is, also for
    one process.
    """
    settings = required(context.spec.custom_mpi_settings, "customMpiSettings")
    command = settings.command_line.strip()
    if not command.startswith("-"):
        return mpi.launch(context, command, settings.process_count)
    per_node = slots(settings.process_count or context.node_count, context.node_count)
    line = mpi.mpirun(context, per_node, command)
    return Launch((ProcessPlan("", 0, line, {}, "mpi"),), slots=per_node)
