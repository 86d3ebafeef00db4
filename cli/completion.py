"""`batchai completion`: the line that makes a shell complete batchai's words."""

import click

from cli.words import Command

_LINES = {
    "bash": 'eval "$(_BATCHAI_COMPLETE=bash_source batchai)"',
    "zsh": 'eval "$(_BATCHAI_COMPLETE=zsh_source batchai)"',
    "fish": "_BATCHAI_COMPLETE=fish_source batchai | source",
}


@click.command("completion", cls=Command, epilog="Example: batchai completion bash >> ~/.bashrc")
@click.argument("shell", type=click.Choice(sorted(_LINES)))
def command(shell: str) -> None:
    """Print the line for the start-up file of SHELL that completes commands and options."""
    click.echo(_LINES[shell])
