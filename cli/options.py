"""Options that commands share, and the decorator that makes a function a command."""

import functools
from collections.abc import Callable
from typing import Any

import click

from cli.faults import Fault
from cli.output import FORMS, check_query
from cli.session import Session

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]

_EVERYWHERE = (
    click.option(
        "-o",
        "--output",
        type=click.Choice(FORMS),
        help="Form of the output.  [default: table in a terminal, else json]",
    ),
    click.option("--query", metavar="JMESPATH", help="Choose what to print (https://jmespath.org)."),
    click.option("--url", help="Address of the service.  [default: as configured, or the local stack]"),
    click.option("--subscription", help="Subscription id."),
)

in_group: Decorator = click.option("-g", "--resource-group", help="Resource group.")
in_workspace: Decorator = click.option("-w", "--workspace", help="Workspace.")
in_experiment: Decorator = click.option("-e", "--experiment", help="Experiment.")
_NAMES = {
    "subscription": "subscription_id",
    "resource_group": "resource_group",
    "workspace": "workspace",
    "experiment": "experiment",
    "url": "url",
}


def command(group: click.Group, name: str, example: str, *options: Decorator) -> Decorator:
    """Make `function(session, ...)` the command `name` of `group`, with `options` and the common ones."""

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def run(output: str | None, query: str | None, **given: Any) -> Any:
            check_query(query)
            known = {name: given.pop(option, None) for option, name in _NAMES.items()}
            session = Session(known, output, query)
            try:
                return function(session, **given)
            finally:
                session.close()

        body: Function = run
        for option in reversed((*options, in_group, *_EVERYWHERE)):
            body = option(body)
        group.command(name, epilog=f"\b\nExample: batchai {example}")(body)
        return function

    return decorate


def group(parent: click.Group | None, name: str, text: str) -> click.Group:
    """A group of commands."""
    made = click.Group(name, help=text, short_help=text.partition(".")[0] + ".")
    if parent is not None:
        parent.add_command(made)
    return made


def name_option(kind: str, *flags: str) -> Decorator:
    """`-n`, `--name` (and `flags`) of a `kind`; required, given to the function as `name`."""
    made: Decorator = click.option("name", "-n", "--name", *flags, required=True, help=f"Name of the {kind}.")
    return made


def job_option(function: Function) -> Function:
    """`-j`, `--job`, given as `job`."""
    return click.option("-j", "--job", required=True, help="Name of the job.")(function)


def cluster_option(function: Function) -> Function:
    """`-c`, `--cluster`, given as `cluster`."""
    return click.option("-c", "--cluster", required=True, help="Name of the cluster.")(function)


def confirm(yes: bool, what: str) -> None:
    """Ask whether to go on, unless `yes`. Raises Fault where there is nobody to ask, Abort for a no."""
    if yes:
        return
    try:
        answer = click.prompt(f"{what} [y/N]", default="n", show_default=False, err=True)
    except click.Abort:
        raise Fault(f"{what}: nobody is there to ask", "Say so with -y.") from None
    if answer.strip().lower() not in ("y", "yes"):
        raise Fault("nothing was done")


no_wait: Decorator = click.option("--no-wait", is_flag=True, help="Do not wait for the end of it.")
yes_option: Decorator = click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
