"""`batchai cluster node` and `cluster file`: a cluster's machines, and where their setup task writes."""

import os
from typing import Any
from urllib.parse import quote

import click

from cli import columns
from cli.cluster import clusters
from cli.config import own_cloud
from cli.faults import ERROR, Fault
from cli.options import cluster_option, command, group, in_workspace
from cli.session import Session
from cli.shape import flat
from cli.ssh import run_on_node, ssh_options
from shared.names.service_urls import service_url

nodes = group(clusters, "node", "Nodes of a cluster.")
files = group(clusters, "file", "Files of a cluster's setup task.")
node_name = click.option("-n", "--node", required=True, help="Name of the node, as `node list` shows it.")
_ROOT = "$AZ_BATCHAI_MOUNT_ROOT/"


@command(nodes, "list", "cluster node list -w research -c gpus", cluster_option, in_workspace)
def list_all(session: Session, cluster: str) -> None:
    """List the nodes of a cluster: their state, version, and how to log in to them."""
    session.show_all(session.api.pages("GET", f"{session.cluster(cluster)}/nodes"), columns.cluster_node)


@command(
    nodes, "drain", "cluster node drain -w research -c gpus -n gpu-0", cluster_option, node_name, in_workspace
)
def drain(session: Session, cluster: str, node: str) -> None:
    """Let a node end the job it has, take no other, and leave: before an upgrade or a repair.

    The mark stays until `undrain`: its runner does not take jobs after a restart either.
    """
    answer = session.api.act(f"{session.cluster(cluster)}/nodes/{quote(node, safe='')}/drain")
    session.show(answer, columns.cluster_node)


@command(
    nodes,
    "undrain",
    "cluster node undrain -w research -c gpus -n gpu-0",
    cluster_option,
    node_name,
    in_workspace,
)
def undrain(session: Session, cluster: str, node: str) -> None:
    """Let a node take jobs again. Where its runner has left, start it: systemctl start batchai-runner."""
    answer = session.api.act(f"{session.cluster(cluster)}/nodes/{quote(node, safe='')}/undrain")
    session.show(answer, columns.cluster_node)


@command(
    nodes,
    "exec",
    "cluster node exec -w research -c gpus --exec nvidia-smi",
    cluster_option,
    in_workspace,
    ssh_options,
)
def execute(session: Session, cluster: str, **given: Any) -> None:
    """Run a command on a node of a cluster through ssh, or forward ports to it."""
    path = session.cluster(cluster)
    run_on_node(session, path, session.api.pages("POST", f"{path}/listRemoteLoginInformation"), **given)


@command(
    files,
    "list",
    "cluster file list -w research -c gpus",
    cluster_option,
    in_workspace,
    click.option("-p", "--path", default=".", help="Not used."),
    click.option("--expiry", type=int, help="Not used."),
)
def list_files(session: Session, cluster: str, path: str, expiry: int | None) -> None:
    """Show where the setup task of a cluster writes its output.

    The REST API has no operation that lists it (the original client read the storage itself), so the place is
    reported and the exit code is 1; a cluster without a setup task has no such files.
    """
    found = flat(session.api.get(session.cluster(cluster)))
    setup = found.get("nodeSetup") or {}
    if not setup.get("setupTask"):
        session.show_all([], columns.file)
        return
    place = output_place(setup)
    raise Fault(
        f"the files of a cluster cannot be listed over the REST API; they are in {place}",
        "Look there with any storage client, for instance Azure Storage Explorer.",
        ERROR,
    )


def output_place(setup: dict[str, Any]) -> str:
    """Where a setup task writes: a folder of a share or container where its volume says, else the path."""
    task = setup["setupTask"]
    folders = [str(task.get(name) or "") for name in ("stdOutErrPathPrefix", "stdOutErrPathSuffix")]
    path = "/".join(folder.strip("/") for folder in folders if folder)
    volumes = setup.get("mountVolumes") or {}
    for volume in (*volumes.get("azureFileShares", ()), *volumes.get("azureBlobFileSystems", ())):
        point = _ROOT + str(volume.get("relativeMountPath", "")).strip("/")
        if path == point or path.startswith(f"{point}/"):
            blobs = service_url(str(volume.get("accountName")), "blob", own_cloud(os.environ))
            base = volume.get("azureFileUrl") or f"{blobs}/{volume.get('containerName')}"
            return f"{base}{path[len(point) :]}"
    return path
