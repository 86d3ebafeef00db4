"""Clusters: PUT, PATCH, GET, DELETE, list, and their nodes."""

from typing import TYPE_CHECKING, Any

import azure.functions as func

from api import routes
from api.answers import accepted, answer, arm, gone, paged, refuse_document, shown
from api.requests import workspace_of
from api.resources import forms
from api.resources.clusters import ClusterFacts, cluster_resource, counted_nodes, login_information
from api.resources.operations import Verb
from api.wired import backend
from shared.names.ids import ClusterId

if TYPE_CHECKING:
    from shared.stores.cluster_table import ClusterRow

bp = func.Blueprint()
_REFUSED = "InvalidRequestContent"


def cluster_of(req: func.HttpRequest) -> ClusterId:
    """The cluster that a request's path names."""
    return ClusterId(workspace_of(req), req.route_params["cluster"])


def _resource(row: "ClusterRow") -> dict[str, Any]:
    services = backend()
    nodes, _ = services.clusters.nodes_of(row)
    resized = row.resized or row.created
    pool = services.scaler.state(row.id)
    facts = ClusterFacts(
        row.id, row.created, row.properties, resized, row.deleting, row.revision, tuple(nodes), pool
    )
    return cluster_resource(facts, services.settings.scope)


def _shown(row: "ClusterRow") -> func.HttpResponse:
    return shown(_resource(row), row.etag, row.resized or row.created)


@bp.route(route=routes.CLUSTER, methods=["PUT"])
@arm("workspace", "cluster")
def clusters_create(req: func.HttpRequest) -> func.HttpResponse:
    """Clusters_Create: 202. An existing cluster takes the new document, as it does when one is dropped."""
    services, cluster = backend(), cluster_of(req)
    workspace, _ = services.workspaces.require(cluster.workspace)
    made = services.cluster_manager.accept_http(ClusterId(workspace, cluster.cluster), req.get_body())
    if made.row is None:
        return refuse_document(_REFUSED, made.problems)
    row = made.row
    return accepted(req, Verb.CREATE, "cluster", row.id.workspace, row.id.cluster, row.identity)


@bp.route(route=routes.CLUSTER, methods=["PATCH"])
@arm("workspace", "cluster")
def clusters_update(req: func.HttpRequest) -> func.HttpResponse:
    """Clusters_Update: 200 with the resource; only scaleSettings can be changed."""
    made = backend().cluster_manager.resize(cluster_of(req), req.get_body())
    if made.row is None:
        return refuse_document(_REFUSED, made.problems)
    return _shown(made.row)


@bp.route(route=routes.CLUSTER, methods=["GET"])
@arm("workspace", "cluster")
def clusters_get(req: func.HttpRequest) -> func.HttpResponse:
    """Clusters_Get: 200, or 404 ClusterNotFound."""
    return _shown(backend().clusters.get(cluster_of(req)))


@bp.route(route=routes.CLUSTER, methods=["DELETE"])
@arm("workspace", "cluster")
def clusters_delete(req: func.HttpRequest) -> func.HttpResponse:
    """Clusters_Delete: 202; its live jobs are asked to terminate. 204 where there is none."""
    row = backend().cascading_deletion.delete_cluster(cluster_of(req))
    if row is None:
        return gone()
    return accepted(req, Verb.DELETE, "cluster", row.id.workspace, row.id.cluster, row.identity)


@bp.route(route=routes.CLUSTERS, methods=["GET"])
@arm("workspace")
def clusters_list(req: func.HttpRequest) -> func.HttpResponse:
    """Clusters_ListByWorkspace."""
    services, workspace = backend(), workspace_of(req)
    services.workspaces.workspace(workspace)
    return paged(
        req,
        lambda after, most: services.clusters.list_workspace(workspace, after, most),
        _resource,
        lambda row: row.id.cluster,
    )


@bp.route(route=f"{routes.CLUSTER}/demand", methods=["GET"])
@arm("workspace", "cluster")
def clusters_demand(req: func.HttpRequest) -> func.HttpResponse:
    """200 with how many nodes the cluster's jobs need. Ours: for engines that start runners themselves."""
    services = backend()
    row = services.clusters.get(cluster_of(req))
    demand = services.live.demand(row)
    return answer({"nodes": demand.nodes, "runningNodes": demand.running, "jobs": demand.jobs})


@bp.route(route=f"{routes.CLUSTER}/listRemoteLoginInformation", methods=["GET", "POST"])
@arm("workspace", "cluster")
def clusters_list_remote_login_information(req: func.HttpRequest) -> func.HttpResponse:
    """Clusters_ListRemoteLoginInformation: the nodes that are counted."""
    services = backend()
    clusters = services.clusters
    row = clusters.get(cluster_of(req))
    counted = dict(counted_nodes(*clusters.nodes_of(row), services.scaler.state(row.id)))
    nodes = [node for node in clusters.alive_nodes(row.id) if node.node_id in counted]
    return answer(forms.page(login_information((node.node_id, node.address) for node in nodes)))
