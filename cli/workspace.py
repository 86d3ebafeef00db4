"""`batchai workspace`."""

import click

from cli import columns
from cli.options import command, confirm, group, name_option, name_or_ids, no_wait, yes_option
from cli.session import Session

workspaces = group(None, "workspace", "Workspaces: what experiments and clusters lie in.")
_name = name_option("workspace", "-w", "--workspace")
_one = name_or_ids("workspace", "-w", "--workspace")
_location = click.option("-l", "--location", help="Location.  [default: as configured]")


@command(workspaces, "create", "workspace create -n research", _name, _location)
def create(session: Session, name: str, location: str | None) -> None:
    """Make a workspace. One that is there already stays as it is."""
    location = location or session.required("location", "-l")
    session.show(session.api.put(session.workspace(name), {"location": location}), columns.workspace)


@command(workspaces, "show", "workspace show -n research", _one)
def show(session: Session, name: str) -> None:
    """Show a workspace. Exit code 3 where there is none."""
    session.show(session.api.get(session.workspace(name)), columns.workspace)


@command(workspaces, "list", "workspace list -o table")
def list_all(session: Session) -> None:
    """List workspaces."""
    path = f"{session.scope.root}/providers/Microsoft.BatchAI/workspaces"
    session.show_all(session.api.pages("GET", path), columns.workspace)


@command(workspaces, "delete", "workspace delete -n research -y", _one, no_wait, yes_option)
def delete(session: Session, name: str, no_wait: bool, yes: bool) -> None:
    """Delete a workspace with its experiments, jobs and clusters. Their files stay."""
    path = session.workspace(name)
    confirm(yes, f"Delete the workspace {name} and everything in it?")
    session.api.delete(path, wait=not no_wait)
