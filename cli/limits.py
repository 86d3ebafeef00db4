"""`batchai limits`: what a workspace and its submitters may use, and what they use."""

import click

from cli import columns
from cli.options import command as operation
from cli.options import in_workspace
from cli.session import Session

_holder = click.Group()


@operation(_holder, "limits", "limits -w research -o table", in_workspace)
def limits(session: Session) -> None:
    """Show the limits of a workspace and of who submits to it, and what is used of each.

    "*" is whoever has no limits of their own. The operator sets them (BATCHAI_LIMITS).
    """
    session.show_all(session.api.pages("GET", f"{session.workspace()}/limits"), columns.limits)


command = _holder.commands["limits"]
