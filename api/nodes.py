"""Nodes of a cluster: list, drain, undrain. Ours: Batch AI had listRemoteLoginInformation only."""

import azure.functions as func

from api import routes
from api.answers import answer, arm
from api.clusters import cluster_of
from api.resources import forms
from api.resources.clusters import node_information, starting_machines
from api.wired import backend

bp = func.Blueprint()


@bp.route(route=routes.NODES, methods=["GET"])
@arm("workspace", "cluster")
def nodes_list(req: func.HttpRequest) -> func.HttpResponse:
    """Every node that is known of, silent ones and such as stand by included, and the machines of its pool
    that are no nodes yet."""
    services = backend()
    row = services.clusters.get(cluster_of(req))
    known = services.clusters.known_nodes(row.id)
    starting = starting_machines(services.scaler.state(row.id), [node.view for node in known])
    return answer(forms.page([*(node_information(node) for node in known), *starting]))


@bp.route(route=f"{routes.NODE}/drain", methods=["POST"])
@arm("workspace", "cluster", "node")
def nodes_drain(req: func.HttpRequest) -> func.HttpResponse:
    """200 with the node: its runner ends the job it has, takes no other and leaves. 404 NodeNotFound."""
    return _marked(req, drain=True)


@bp.route(route=f"{routes.NODE}/undrain", methods=["POST"])
@arm("workspace", "cluster", "node")
def nodes_undrain(req: func.HttpRequest) -> func.HttpResponse:
    """200 with the node: it takes jobs again; a runner that has left must be started. 404 NodeNotFound."""
    return _marked(req, drain=False)


def _marked(req: func.HttpRequest, *, drain: bool) -> func.HttpResponse:
    services = backend()
    row = services.clusters.get(cluster_of(req))
    marked = services.cluster_manager.mark_drain(row.id, req.route_params["node"], drain)
    return answer(node_information(marked))
