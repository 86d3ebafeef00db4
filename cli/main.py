"""`batchai`: the group that holds every command. Each is imported when it is asked for."""

import importlib

import click

#: command -> modules whose import makes it whole (the first one holds it), and its name in there.
_COMMANDS = {
    "workspace": ("workspace", "workspaces"),
    "experiment": ("experiment", "experiments"),
    "cluster": ("cluster cluster_create cluster_node", "clusters"),
    "sweep": ("sweep", "sweeps"),
    "job": ("job job_create job_file job_metrics job_node job_wait", "jobs"),
    "file-server": ("file_server", "file_servers"),
    "list-usages": ("usages", "command"),
    "usage": ("usage", "command"),
    "events": ("events", "command"),
    "limits": ("limits", "command"),
    "lint": ("lint", "command"),
    "explain": ("explain", "command"),
    "doctor": ("doctor", "command"),
    "configure": ("configure", "command"),
    "completion": ("completion", "command"),
}


class Commands(click.Group):
    """The commands above. Importing all of them takes half a second, and completion asks at every key."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command, None where there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        modules, name = _COMMANDS[cmd_name]
        first, *_ = [importlib.import_module(f"cli.{module}") for module in modules.split()]
        command = getattr(first, name)
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExample: batchai job create -n first -f job.json --watch",
)
@click.version_option(package_name="batchai-serverless", prog_name="batchai")
def main() -> None:
    """Batch AI from the command line: what `az batchai` said, and more.

    The service is found through `batchai configure`, the environment, or the local stack of this directory.
    """


if __name__ == "__main__":
    main()
