"""Stored rows, messages and documents (tests/data) put into an account in memory as they are."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from azure.data.tables import EntityProperty

from tests.support.memory.account import MemoryAccount


def load(account: MemoryAccount, path: Path) -> None:
    """Put what a file holds into an empty account; rows are as old as the account."""
    stored = json.loads(path.read_text())
    for table, rows in stored["tables"].items():
        client = account.tables.get_table_client(table)
        for row in rows:
            client.create_entity({name: _value(v) for name, v in row.items() if name != "Timestamp"})
    for name, messages in stored["queues"].items():
        queue = account.queues.get_queue_client(name)
        queue.create_queue()
        for content in messages:
            sent = queue.send_message(content, time_to_live=-1)
            # The ids of messages are those that the rows of their jobs name.
            uuid = json.loads(content).get("uuid")
            named = (row.get("MessageId") for row in stored["tables"]["jobs"] if row.get("Uuid") == uuid)
            account.queues.rename(name, sent.id, next(filter(None, named), sent.id))
    for blob in stored["blobs"]:
        place = account.blobs.get_blob_client(blob["container"], blob["name"])
        place.upload_blob(json.dumps(blob["document"]).encode(), metadata=blob["metadata"])


def _value(stored: Any) -> Any:
    if not isinstance(stored, dict):
        return stored
    if stored["type"] == "Edm.DateTime":
        return datetime.fromisoformat(stored["value"])
    return EntityProperty(stored["value"], stored["type"])
