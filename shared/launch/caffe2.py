"""caffe2Settings: one process per node, given its rank by AZ_BATCHAI_TASK_INDEX. PURE."""

from shared.launch import python_tool, ranks
from shared.launch.plan import Context, Launch, required


def launch(context: Context) -> Launch:
    settings = required(context.spec.caffe2_settings, "caffe2Settings")
    command = python_tool.command(settings, settings.command_line_args, context.python)
    return ranks.launch(context, command, context.node_count, lambda _: {})
