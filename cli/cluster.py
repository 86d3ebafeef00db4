"""`batchai cluster`: everything but create."""

import click

from cli import columns
from cli.options import command, confirm, group, in_workspace, name_or_ids, no_wait, yes_option
from cli.session import Session

clusters = group(None, "cluster", "Clusters: the nodes that jobs run on.")
_one = name_or_ids("cluster", "-c", "--cluster")
_count = click.IntRange(min=0)


@command(clusters, "show", "cluster show -w research -n gpus", _one, in_workspace)
def show(session: Session, name: str) -> None:
    """Show a cluster and the states of its nodes. Exit code 3 where there is none."""
    session.show(session.api.get(session.cluster(name)), columns.cluster)


@command(clusters, "list", "cluster list -w research -o table", in_workspace)
def list_all(session: Session) -> None:
    """List the clusters of a workspace."""
    session.show_all(session.api.pages("GET", f"{session.workspace()}/clusters"), columns.cluster)


@command(
    clusters,
    "resize",
    "cluster resize -w research -n gpus -t 2",
    _one,
    in_workspace,
    click.option("-t", "--target", type=_count, required=True, help="How many nodes are wanted."),
)
def resize(session: Session, name: str, target: int) -> None:
    """Set how many nodes a cluster should have."""
    scale = {"manual": {"targetNodeCount": target}}
    answer = session.api.patch(session.cluster(name), {"properties": {"scaleSettings": scale}})
    session.show(answer, columns.cluster)


@command(
    clusters,
    "auto-scale",
    "cluster auto-scale -w research -n gpus --min 0 --max 4",
    _one,
    in_workspace,
    click.option("--min", "least", type=_count, required=True, help="Nodes when nothing waits."),
    click.option("--max", "most", type=_count, required=True, help="Nodes at most."),
)
def auto_scale(session: Session, name: str, least: int, most: int) -> None:
    """Let the number of nodes follow the jobs that wait."""
    scale = {"autoScale": {"minimumNodeCount": least, "maximumNodeCount": most}}
    answer = session.api.patch(session.cluster(name), {"properties": {"scaleSettings": scale}})
    session.show(answer, columns.cluster)


@command(clusters, "delete", "cluster delete -w research -n gpus -y", _one, in_workspace, no_wait, yes_option)
def delete(session: Session, name: str, no_wait: bool, yes: bool) -> None:
    """Delete a cluster. Its jobs are terminated first."""
    path = session.cluster(name)
    confirm(yes, f"Delete the cluster {name} and terminate its jobs?")
    session.api.delete(path, wait=not no_wait)
