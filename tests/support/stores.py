"""The stores of an installation as tests reach them: made anew over the connection of a Backend."""

from typing import Any

from shared.backend import Backend
from shared.stores.cluster_table import ClusterTable
from shared.stores.gang_table import GangTable
from shared.stores.job_queues import JobQueues
from shared.stores.job_table import JobTable
from shared.stores.node_table import NodeTable
from shared.stores.workspace_table import WorkspaceTable


class Stores:
    """For setting a stage and for looking at what is there. The program itself comes by its managers."""

    def __init__(self, backend: Backend) -> None:
        connection = backend.connection
        self._queue_service = connection.queues
        self.jobs = JobTable(connection)
        self.queues = JobQueues(connection)
        self.clusters = ClusterTable(connection)
        self.nodes = NodeTable(connection)
        self.gangs = GangTable(connection)
        self.workspaces = WorkspaceTable(connection)
        self.documents = backend.documents

    def queue(self, name: str) -> Any:
        """The SDK's client of one queue: for messages that the program would not send, and for a look."""
        return self._queue_service.get_queue_client(name)
