"""`batchai job node`: the machines a job runs on."""

from typing import Any

from cli import columns
from cli.job import jobs, where
from cli.options import command, group, job_option
from cli.session import Session
from cli.ssh import run_on_node, ssh_options

nodes = group(jobs, "node", "Nodes that a job runs on.")


@command(nodes, "list", "job node list -w research -e mnist -j first", job_option, *where)
def list_all(session: Session, job: str) -> None:
    """List the nodes that work on a job at this moment, and how to log in to them."""
    path = f"{session.job(job)}/listRemoteLoginInformation"
    session.show_all(session.api.pages("POST", path), columns.node)


@command(
    nodes,
    "exec",
    "job node exec -w research -e mnist -j first --exec nvidia-smi",
    job_option,
    *where,
    ssh_options,
)
def execute(session: Session, job: str, **given: Any) -> None:
    """Run a command on a node of a job through ssh, or forward ports to it."""
    path = session.job(job)
    cluster = str(session.api.get(path)["properties"]["cluster"]["id"])
    found = session.api.pages("POST", f"{path}/listRemoteLoginInformation")
    run_on_node(session, cluster, found, **given)
