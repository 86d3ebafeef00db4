"""`batchai`: the group that holds every command."""

import click

from cli import explain


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: batchai explain job.json --nodes 2 --gpus 4",
)
@click.version_option(package_name="batchai-serverless", prog_name="batchai")
def main() -> None:
    """Batch AI jobs from the command line."""


main.add_command(explain.command, "explain")

if __name__ == "__main__":
    main()
