"""Options that commands share, and the decorator that makes a function a command."""

import functools
import time
from collections.abc import Callable
from typing import Any

import click

from cli.faults import USAGE, Fault, Refused
from cli.messages import say, say_verbose, set_loudness
from cli.option_names import options_for
from cli.output import FORMS, check_query
from cli.resource_ids import ids_given
from cli.session import Session
from cli.targets import for_each
from cli.words import Command, Several, one_of

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]

_EVERYWHERE = (
    click.option(
        "-o",
        "--output",
        type=one_of(*FORMS),
        help="Form of the output.  [default: table in a terminal, else json]",
    ),
    click.option("--query", metavar="JMESPATH", help="Choose what to print (https://jmespath.org)."),
    click.option("--url", help="Address of the service.  [default: as configured, or the local stack]"),
    click.option("--subscription", help="Subscription id."),
    click.option("--verbose", is_flag=True, help="Say more, on standard error."),
    click.option("--debug", is_flag=True, help="Show every request and answer, without secrets."),
    click.option("--only-show-errors", is_flag=True, help="Say nothing but errors beside the output."),
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
    """Make `function(session, ...)` the command `name` of `group`, with `options` and the common ones.

    Where name_or_ids is among the options the function is called once for each id.
    """

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def run(
            output: str | None,
            query: str | None,
            verbose: bool,
            debug: bool,
            only_show_errors: bool,
            **given: Any,
        ) -> Any:
            started = time.monotonic()
            set_loudness(verbose, debug, only_show_errors)
            check_query(query)
            known = {name: given.pop(option, None) for option, name in _NAMES.items()}
            try:
                return _run(function, Session(known, output, query), given)
            except Refused as fault:
                raise _with_options(fault) from None
            finally:
                say_verbose(f"Command ran in {time.monotonic() - started:.3f} seconds")

        body: Function = run
        for option in reversed((*options, in_group, *_EVERYWHERE)):
            body = option(body)
        group.command(name, cls=Command, epilog=f"\b\nExample: batchai {example}")(body)
        return function

    return decorate


def _run(function: Function, session: Session, given: dict[str, Any]) -> Any:
    ids = given.pop("ids", None)
    with session:
        if not ids:
            if ids is not None and given["name"] is None:
                raise Fault("neither a name nor an id was given", "Give -n, or --ids.", USAGE)
            return function(session, **given)
        if given.pop("name") is not None:
            say("--name is left aside: --ids names it")
        return for_each(ids, session, lambda one, name: function(one, name=name, **given))


def _with_options(fault: Refused) -> Refused:
    """The refusal, with the options of the running command that give what it speaks of."""
    known = {flag for param in click.get_current_context().command.params for flag in param.opts}
    advice = options_for("\n".join((fault.message, *fault.details)), known)
    fault.hint = "; ".join(text for text in (fault.hint, advice) if text)
    return fault


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


def name_or_ids(kind: str, *flags: str) -> Decorator:
    """`-n`, `--name` (and `flags`) of a `kind`, or `--ids` in place of it and of where it lies.

    The function gets `name`, once for each id.
    """

    def decorate(function: Function) -> Function:
        ids = click.option(
            "ids",
            "--ids",
            cls=Several,
            multiple=True,
            callback=functools.partial(ids_given, kind),
            help="ARM ids, one or several, in place of the name and of where it lies.  [@-: standard input]",
        )
        return click.option("name", "-n", "--name", *flags, help=f"Name of the {kind}.")(ids(function))

    return decorate


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
