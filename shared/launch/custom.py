"""customToolkitSettings: one command on the leader, for any number of nodes. PURE."""

from shared.launch.plan import Context, Launch, ProcessPlan, required


def launch(context: Context) -> Launch:
    settings = required(context.spec.custom_toolkit_settings, "customToolkitSettings")
    others = context.node_count - 1
    note = f"the command starts on node 0 alone and reaches the other {others} by ssh; see AZ_BATCH_HOST_LIST"
    return Launch(
        (ProcessPlan("", 0, settings.command_line, {}, "command"),), notes=(note,) if others else ()
    )
