"""`python -m local`: the stack on this machine."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, fields

import click
import psutil
from click.core import ParameterSource
from rich.console import Console

from local import demo as demonstration
from local import own_runner, supervisor
from local.environment import RESOURCE_GROUP, SUBSCRIPTION
from local.layout import default_directory, load
from local.pools import machines_of
from local.ports import Ports
from local.processes import StartError

console = Console(highlight=False, soft_wrap=True)
#: As many as the examples need: examples/distributed runs on two.
MOST_RUNNERS = 2
_SERVICES = {
    "http": "the REST API",
    "blob": "Azurite's blobs",
    "queue": "Azurite's queues",
    "table": "Azurite's tables",
    "file": "the file shares",
    "arm": "the stand-in of ARM",
}


@click.group(epilog="Example: python -m local up && python -m local status")
def main() -> None:
    """Batch AI on one laptop. The data directory is .local, or what BATCHAI_LOCAL names."""


def _stack_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a stack that is to be started."""
    for field in reversed(fields(Ports)):
        command = click.option(
            f"--{field.name}-port",
            type=click.IntRange(1, 65535),
            metavar="PORT",
            help=f"Port of {_SERVICES[field.name]}.  [default: that of last time, else a free one]",
        )(command)
    command = click.option(
        "--fixed",
        is_flag=True,
        help="Start all of them at once and keep them; they go to the clusters that have jobs.",
    )(command)
    return click.option(
        "--runners",
        default=MOST_RUNNERS,
        show_default=True,
        type=click.IntRange(0, 16),
        help="How many nodes at most; they come and go with the jobs.",
    )(command)


@main.command(epilog="Example: python -m local up --runners 2")
@_stack_options
@click.pass_context
def up(context: click.Context, /, **_: int | None) -> None:
    """Start the stack in the background and leave it running."""
    given = {n: v for n, v in context.params.items() if _is_given(context, n)}
    words = [
        f"--{name}" if value is True else f"--{name.replace('_', '-')}={value}"
        for name, value in given.items()
    ]
    state = supervisor.up(default_directory(), words, console.print)
    console.print(
        "\nup. Drop job.json files into the container [bold]jobs[/bold]; see docs/tutorials/your-own-job.md."
    )
    console.print(
        f"console        {state.console}\nHTTP           {state.http}\n"
        f"storage        {state.storage}\nfile shares    {state.files}"
    )
    console.print(
        f"resource group {RESOURCE_GROUP}: the default, also of what is dropped (subscription {SUBSCRIPTION})"
    )
    console.print("stop it with: make down")


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is not ParameterSource.DEFAULT


@main.command(epilog="Example: python -m local serve")
@_stack_options
def serve(runners: int, fixed: bool, **ports: int | None) -> None:
    """Run the stack in the foreground until Ctrl-C."""
    chosen = {name.removesuffix("_port"): port or 0 for name, port in ports.items()}
    sys.exit(supervisor.serve(default_directory(), runners, Ports(**chosen), fixed))


@main.command(epilog="Example: python -m local runner --cluster mine/nc6")
@click.option(
    "--cluster", default="default", show_default=True, help="<workspace>/<cluster> or <cluster> of default."
)
@click.option("--gpus", default="none", show_default=True, help="0,1 or UUIDs that no other runner has.")
def runner(cluster: str, gpus: str) -> None:
    """Run one more runner of the running stack for one cluster, in the foreground until Ctrl-C."""
    own_runner.run(default_directory(), cluster, gpus)


@main.command(epilog="Example: python -m local status -o json")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def status(output: str) -> None:
    """Say what runs. Exit code 3 when nothing does."""
    directory = default_directory()
    state = load(directory)
    if state is None:
        console.print("{}" if output == "json" else "not running (start it with: make up)")
        sys.exit(3)
    parts = [asdict(part) | {"running": psutil.pid_exists(part.pid)} for part in state.parts]
    machines = machines_of(state, directory)
    if output == "json":
        shown = {
            "console": state.console,
            "http": state.http,
            "supervisor": state.pid,
            "parts": parts,
            "machines": machines,
        }
        console.print(json.dumps(shown, indent=2))
        return
    for part in parts:
        alive = "running" if part["running"] else "ENDED"
        console.print(f"{part['name']:<16} {alive:<8} pid {part['pid']:<8} {part['where']}")
    for machine in machines:
        console.print(f"{machine['name']:<16} {machine['state'].lower():<8} machine of {machine['set']}")
    console.print(f"{'supervisor':<16} {'running':<8} pid {state.pid}")
    console.print(f"console at {state.console}, logs in {directory.logs}")


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
