"""`python -m local`: the stack on this machine."""

import json
import sys
from dataclasses import asdict

import click
import psutil
from rich.console import Console

from local import demo as demonstration
from local import supervisor
from local.layout import default_directory, load
from local.processes import StartError

console = Console(highlight=False, soft_wrap=True)


@click.group(epilog="Example: python -m local up && python -m local status")
def main() -> None:
    """Batch AI on one laptop. The data directory is .local, or what BATCHAI_LOCAL names."""


@main.command(epilog="Example: python -m local up --runners 2")
@click.option("--runners", default=1, show_default=True, type=click.IntRange(0, 16), help="How many nodes.")
def up(runners: int) -> None:
    """Start the stack in the background and leave it running."""
    state = supervisor.up(default_directory(), runners, console.print)
    console.print(
        "\nup. Drop job.json files into the container [bold]jobs[/bold]; see README, 'Your own job.json'."
    )
    console.print(f"HTTP        {state.http}\nstorage     {state.storage}\nfile shares {state.files}")
    console.print("stop it with: make down")


@main.command(epilog="Example: python -m local serve")
@click.option("--runners", default=1, show_default=True, type=click.IntRange(0, 16), help="How many nodes.")
def serve(runners: int) -> None:
    """Run the stack in the foreground until Ctrl-C."""
    sys.exit(supervisor.serve(default_directory(), runners))


@main.command(epilog="Example: python -m local status -o json")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def status(output: str) -> None:
    """Tell what runs. Exit code 3 when nothing does."""
    directory = default_directory()
    state = load(directory)
    if state is None:
        console.print("{}" if output == "json" else "not running (start it with: make up)")
        sys.exit(3)
    parts = [asdict(part) | {"running": psutil.pid_exists(part.pid)} for part in state.parts]
    if output == "json":
        console.print(json.dumps({"http": state.http, "supervisor": state.pid, "parts": parts}, indent=2))
        return
    for part in parts:
        alive = "running" if part["running"] else "ENDED"
        console.print(f"{part['name']:<16} {alive:<8} pid {part['pid']:<8} {part['where']}")
    console.print(f"{'supervisor':<16} {'running':<8} pid {state.pid}")
    console.print(f"logs in {directory.logs}")


@main.command(epilog="Example: python -m local down")
def down() -> None:
    """Stop the stack; its data stays."""
    console.print("stopped" if supervisor.down(default_directory()) else "nothing was running")


@main.command(epilog="Example: python -m local demo")
def demo() -> None:
    """Train a classifier through the whole pipeline and show it live. Exit code = the job's."""
    sys.exit(demonstration.run(default_directory(), console))


def run() -> None:
    """The entry point: errors for people instead of tracebacks."""
    try:
        main()
    except StartError as error:
        console.print(f"[red]error[/red]: {error}")
        sys.exit(1)
    except OSError as error:
        where = default_directory().root
        console.print(
            f"[red]error[/red]: {error}. The data directory is {where}; BATCHAI_LOCAL names another."
        )
        sys.exit(1)


if __name__ == "__main__":
    run()
