"""Transactions of the table service: the SDK's own client, but for how their text is written and read.

The SDK makes a mail message of each part and a message of messages of all, parses the answer as mail, and
starts threads at each level: 9 ms of processor time for five rows, which are one small text. Here the text is
written at once (row_changes.py), sent through the SDK's pipeline (signature, token, retries), and the answer
is read where all of it is good news; any other answer the SDK itself reads.
"""

import re
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from wsgiref.handlers import format_date_time

from azure.core.pipeline import Pipeline
from azure.core.rest import HttpRequest
from azure.data.tables import TableClient, TableServiceClient

from shared.stores.lean_pipeline import lean, plain
from shared.stores.row_changes import text

_GOOD = re.compile(rb"^HTTP/1\.1 2\d\d ")
_ETAG = re.compile(rb"^etag: *(.*?) *\r?$", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(rb'boundary="?([^\s";]+)')


class Tables(TableServiceClient):
    """The service client whose table clients are `Table`."""

    def _configure_policies(self, **options: Any) -> list[Any]:
        return lean(super()._configure_policies(**options))

    def get_table_client(self, table_name: str, **options: Any) -> "Table":
        """As the SDK's, which knows no way to ask for another class."""
        made = super().get_table_client(table_name, **options)
        made.__class__ = Table
        assert isinstance(made, Table)
        made._plain = plain(made._client._client._pipeline._transport, self._policies)
        return made


class Table(TableClient):
    """A table client with a `submit_transaction` of its own."""

    _plain: Pipeline[Any, Any]

    def submit_transaction(self, operations: Iterable[Any], **options: Any) -> list[Mapping[str, Any]]:
        """The SDK's, same arguments, results and exceptions."""
        listed = list(operations)
        if not listed:
            return []
        response = self._plain.run(self._request(listed), **options).http_response
        if response.status_code == 202:
            good = answers(response.headers.get("Content-Type", ""), response.content)
            if good is not None and len(good) == len(listed):
                return good
        return super().submit_transaction(listed, answer=response)

    def _batch_send(self, table_name: str, *reqs: Any, **options: Any) -> list[Mapping[str, Any]]:
        """The SDK's, which reads the answer that is here."""
        reader: Any = _Reader(self, options["answer"])
        return TableClient._batch_send(reader, table_name, *reqs)

    def _request(self, operations: Sequence[Any]) -> HttpRequest:
        boundary = str(uuid.uuid4())
        service = f"{self.scheme}://{self._primary_hostname}"
        date = format_date_time(time.time())
        return HttpRequest(
            "POST",
            f"{service}/$batch",
            headers={
                "x-ms-version": self.api_version,
                "DataServiceVersion": "3.0",
                "MaxDataServiceVersion": "3.0;NetFx",
                "Content-Type": f"multipart/mixed; boundary=batch_{boundary}",
                "Accept": "application/json",
            },
            content=text(operations, f"{service}/{self.table_name}", self.api_version, boundary, date),
        )


class _Reader:
    """Stands for a client that is about to send a transaction whose answer is here."""

    def __init__(self, table: Table, response: Any) -> None:
        self.scheme, self.api_version = table.scheme, table.api_version
        self._primary_hostname = table._primary_hostname
        self._client = self
        self._response = response

    def send_request(self, request: HttpRequest, **_: Any) -> Any:
        self._response.request = request
        return self._response


def answers(content_type: str, body: bytes) -> list[Mapping[str, Any]] | None:
    """What the SDK returns for each part: its ETag, if it has one. None where a part was refused, or the
    answer is not a batch of one change set."""
    outer = _BOUNDARY.search(content_type.encode())
    inner = _BOUNDARY.search(body)
    if not outer or not inner or not body.lstrip().startswith(b"--" + outer[1]):
        return None
    found: list[Mapping[str, Any]] = []
    for piece in body.split(b"--" + inner[1])[1:-1]:
        answer = piece.partition(b"\r\n\r\n")[2]
        if not _GOOD.match(answer):
            return None
        etag = _ETAG.search(answer.partition(b"\r\n\r\n")[0])
        found.append({"etag": etag[1].decode("latin-1")} if etag else {})
    return found
