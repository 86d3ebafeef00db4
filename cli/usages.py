"""`batchai list-usages`: how much of everything there is."""

import click

from cli import columns
from cli.options import command as operation
from cli.session import Session, named
from shared.names.ids import PROVIDER

_holder = click.Group()


@operation(
    _holder,
    "list-usages",
    "list-usages -l northeurope -o table",
    click.option("-l", "--location", help="Location.  [default: as configured]"),
)
def list_usages(session: Session, location: str | None) -> None:
    """List how much there is of everything. The limit of nodes and vCPUs is what the clusters' scale settings
    allow; -1: no limit."""
    place = named("location", (location or session.required("location", "-l")).replace(" ", "").lower())
    subscription = session.scope.subscription_id
    path = f"/subscriptions/{subscription}/providers/{PROVIDER}/locations/{place}/usages"
    session.show_all(session.api.pages("GET", path), columns.usage)


command = _holder.commands["list-usages"]
