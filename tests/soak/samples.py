"""What is measured every few seconds: processes, storage, queues, folders of nodes.

A sample is a line of samples.jsonl: {"seconds": since the start, "values": {series: number}}. A series is
called "<what>/<of whom>", that of a process "<what>/<of whom>/<pid>": a restarted process is another series.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

#: what -> its unit, as shown.
UNITS = {
    "memory": "MiB",
    "files": "open files",
    "threads": "threads",
    "rows": "rows",
    "blobs": "blobs",
    "messages": "messages",
    "age": "seconds that the oldest visible message has waited",
    "left": "files and folders on the node",
    "outputs": "files of jobs on the share",
    "jobs": "jobs",
}
#: What belongs to one process, and ends with it.
OF_PROCESSES = ("memory", "files", "threads")
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    """`values` at `seconds` since the start."""

    seconds: float
    values: Mapping[str, float]

    def line(self) -> str:
        values = {name: round(value, 3) for name, value in self.values.items()}
        return json.dumps({"seconds": round(self.seconds, 1), "values": values})


def read(path: Path) -> list[Sample]:
    """The samples of a samples.jsonl."""
    lines = map(json.loads, path.read_text().splitlines())
    return [Sample(line["seconds"], line["values"]) for line in lines]


def of_processes(processes: Mapping[str, int]) -> dict[str, float]:
    """Memory (resident, MiB), open files and threads of processes (name -> pid); none of those that ended."""
    found: dict[str, float] = {}
    for name, pid in processes.items():
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                found[f"memory/{name}/{pid}"] = process.memory_info().rss / _MIB
                found[f"files/{name}/{pid}"] = process.num_fds()
                found[f"threads/{name}/{pid}"] = process.num_threads()
        except psutil.Error:
            continue  # it ended just now: a fault
    return found


def of_storage(connection: str) -> dict[str, float]:
    """Rows by table, blobs by container, messages of all queues (hidden ones included) and the age of the
    oldest visible one. Reads every key once: for an emulator, and once a minute. Raises AzureError."""
    found: dict[str, float] = {}
    with TableServiceClient.from_connection_string(connection) as tables:
        for table in tables.list_tables():
            rows = tables.get_table_client(table.name).list_entities(select=["PartitionKey"])
            found[f"rows/{table.name}"] = sum(1 for _ in rows)
    with BlobServiceClient.from_connection_string(connection) as blobs:
        for container in blobs.list_containers():
            names = blobs.get_container_client(container.name).list_blob_names()
            found[f"blobs/{container.name}"] = sum(1 for _ in names)
    return found | _of_queues(connection)


def _of_queues(connection: str) -> dict[str, float]:
    waiting, oldest = 0, 0.0
    with QueueServiceClient.from_connection_string(connection) as service:
        for queue in service.list_queues():
            client = service.get_queue_client(queue.name)
            waiting += client.get_queue_properties().approximate_message_count or 0
            for message in client.peek_messages(1):
                inserted = message.inserted_on or datetime.now(UTC)
                oldest = max(oldest, (datetime.now(UTC) - inserted).total_seconds())
    return {"messages/all queues": waiting, "age/all queues": oldest}


def of_folders(folders: Iterable[Path]) -> dict[str, float]:
    """How many files and folders lie below each folder."""
    return {f"left/{folder.name}": sum(1 for _ in folder.rglob("*")) for folder in folders}


def of_share(folder: Path) -> dict[str, float]:
    """How many files lie on the shares in `folder`, beside the emulator's own. Empty folders of job names
    stay (docs/adr/0380)."""
    shares = [share for share in folder.iterdir() if not share.name.startswith(".")]
    return {"outputs/share": sum(path.is_file() for share in shares for path in share.rglob("*"))}
