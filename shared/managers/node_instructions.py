"""Informing the nodes of a cluster whether they serve, by its scaleSettings. Used by ClusterManager alone.

A sweep may hold a cluster's row that is older than a change whose nodes have been informed already. So
whoever has something to write reads the cluster again, after its nodes, and writes over their rows as they
were read: of two who instruct a node at the same time the one with the older scaleSettings changes nothing.
And it looks once more when it has written, for whoever changed the cluster may have found its nodes informed
already.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.errors import LostOwnershipError, NotFoundError
from shared.jobs.allocation import wanted_standby
from shared.jobs.waiting_reason import NodeView
from shared.managers.cluster_reader import ClusterReader, scale_of_row
from shared.managers.conflict_retry import ContendedError, Overtaken, until_written
from shared.managers.node_reports import NodeReports
from shared.names.ids import ClusterId
from shared.stores.cluster_table import ClusterRow

log = logging.getLogger(__name__)


def instruct_nodes(clusters: ClusterReader, reports: NodeReports, row: ClusterRow) -> list[NodeView]:
    """Leave for every node that is alive whether it serves. All nodes, with what was left for them. Raises
    StoreError; a node whose row others kept writing is left to the next sweep."""
    latest = row

    def turn() -> list[NodeView]:
        nonlocal latest
        nodes, scale = clusters.nodes_of(latest)
        wanted = wanted_standby(nodes, scale)
        if _differing(nodes, wanted) and (now := clusters.fresh(row.id)):
            latest = now
            wanted = wanted_standby(nodes, scale_of_row(latest))
            _report(reports, row.id, _differing(nodes, wanted), wanted)
            if (now := clusters.fresh(row.id)) and now.properties != latest.properties:
                latest = now
                raise Overtaken
        return _with(nodes, wanted)

    try:
        return until_written(turn, f"the nodes of cluster {row.id}")
    except ContendedError as error:
        log.warning("%s", error, extra={"action": "instruct_nodes", "cluster": str(row.id)})
        nodes, scale = clusters.nodes_of(latest)
        return _with(nodes, wanted_standby(nodes, scale))


def _differing(nodes: Sequence[NodeView], wanted: Mapping[str, str]) -> list[NodeView]:
    return [node for node in nodes if node.alive and node.standby != wanted[node.node_id]]


def _report(
    reports: NodeReports, cluster: ClusterId, nodes: Sequence[NodeView], wanted: Mapping[str, str]
) -> None:
    """Raises Overtaken once each was tried, where the row of one has changed since it was read."""
    changed: Exception | None = None
    for node in nodes:
        try:
            reports.stand_by(cluster, node, wanted[node.node_id])
        except (LostOwnershipError, NotFoundError) as error:
            changed = error  # its runner reported, somebody marked it, or it has left
    if changed:
        raise Overtaken from changed


def _with(nodes: Sequence[NodeView], wanted: Mapping[str, str]) -> list[NodeView]:
    return [replace(node, standby=wanted.get(node.node_id, "")) for node in nodes]
