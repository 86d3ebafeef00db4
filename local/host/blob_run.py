"""Runs a function for a blob: reads the version that was detected, or drops what is gone."""

import logging
from collections.abc import Mapping
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobProperties

from local.host import sdk
from local.host.blob_messages import BlobMessage
from local.host.connections import Connections
from local.host.model import BlobTrigger, Function
from local.host.worker import Invocation, Worker

log = logging.getLogger("host")


class BlobRunner:
    """Blob functions by function id."""

    def __init__(self, functions: Mapping[str, Function], connections: Connections, worker: Worker) -> None:
        self._functions = functions
        self._connections = connections
        self._worker = worker

    def function(self, function_id: str) -> Function | None:
        return self._functions.get(function_id)

    def run(self, message: BlobMessage, how: str) -> None:
        """Run to the end. Raises the function's exception, or storage's.

        Nothing is run for an unknown function (renamed since), a deleted blob, or one overwritten after
        detection: the new version has an ETag of its own and is found by the next scan.
        """
        function = self.function(message.function_id)
        if function is None:
            log.info("Function '%s' was not found; its message is dropped", message.function_id)
            return
        name = f"{message.container}/{message.name}"
        try:
            content = self._read(function, message)
        except ResourceNotFoundError:
            log.info("Blob %s is gone; nothing is run", name)
            return
        except ResourceModifiedError:
            log.info("Blob %s was overwritten since it was detected; the new version follows", name)
            return
        value = (lambda: content.data) if function.wants_bytes else (lambda: sdk.blob_value(content))
        self._worker.submit(Invocation(function, value, f"New blob detected({how}): {name}")).result()

    def _read(self, function: Function, message: BlobMessage) -> sdk.BlobContent:
        assert isinstance(function.trigger, BlobTrigger)
        service = self._connections.blobs(function.trigger.connection)
        client = service.get_blob_client(message.container, message.name)
        condition: dict[str, Any] = (
            {"etag": message.etag, "match_condition": MatchConditions.IfNotModified} if message.etag else {}
        )
        stream = client.download_blob(**condition)
        data = stream.readall()
        properties = stream.properties
        return sdk.BlobContent(
            name=f"{message.container}/{message.name}",
            uri=client.url,
            data=data,
            properties=_properties(properties, len(data)),
            metadata=dict(properties.metadata or {}),
        )


def _properties(blob: BlobProperties, length: int) -> dict[str, Any]:
    """The members of .NET's BlobProperties that both sides know."""
    settings = blob.content_settings
    return {
        "ContentLength": length,
        "ContentType": settings.content_type,
        "ContentEncoding": settings.content_encoding,
        "ETag": quoted_or_none(blob.etag),
        "LastModified": blob.last_modified.isoformat() if blob.last_modified else None,
        "CreatedOn": blob.creation_time.isoformat() if blob.creation_time else None,
    }


def quoted_or_none(etag: str | None) -> str | None:
    return f'"{etag.strip(chr(34))}"' if etag else None
