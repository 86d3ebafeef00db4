"""`batchai usage`: what jobs and clusters have used of nodes, and what it cost about."""

import click

from cli import columns
from cli.options import command as operation
from cli.options import in_workspace
from cli.session import Session

_holder = click.Group()


@operation(
    _holder,
    "usage",
    "usage -w research --by cluster --since 2026-11-01 -o table",
    in_workspace,
    click.option(
        "--by",
        type=click.Choice(["attempt", "job", "user", "experiment", "cluster"]),
        default="experiment",
        show_default=True,
        help="What a line is for. Only clusters have idle time.",
    ),
    click.option("--since", help="Jobs created since: a date or a time.  [default: 30 days ago]"),
)
def usage(session: Session, by: str, since: str | None) -> None:
    """Show how long nodes were used, and the estimated cost where the operator has set prices."""
    query = {"by": by} | ({"since": since} if since else {})
    answer = session.api.get(f"{session.workspace()}/usage", **query)
    currency = str(answer.get("currency", ""))
    lines = [line | {"currency": currency} if currency else line for line in answer["value"]]
    session.show_all(lines, columns.node_usage)


command = _holder.commands["usage"]
