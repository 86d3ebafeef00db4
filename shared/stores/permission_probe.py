"""The rights that an installation has in storage, found out by using them on throw-away names."""

import base64
import json
import socket
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.storage.fileshare import ShareClient

from shared.errors import BatchAIError, StoreError
from shared.stores import node_table
from shared.stores.connection import Connection, translated
from shared.stores.identity import identity
from shared.stores.volumes.file_shares import ShareAddress, ShareFolder, create_share

_PARTITION = "doctor"
_SECONDS = 30  #: a message or row that is left behind by a crash hinders nobody
_STORAGE_SCOPE = "https://storage.azure.com/.default"
_CONNECT_SECONDS = 5.0
Step = tuple[str, Callable[[], object]]


@dataclass(frozen=True)
class Tried:
    """Which rights worked, in order, and which one did not. `fault` None: all of them worked."""

    worked: tuple[str, ...]
    failed: str = ""
    fault: BatchAIError | None = None


def table_rights(connection: Connection) -> Tried:
    """Write, read and delete a row in the partition `doctor` of the table of nodes."""
    key = {"PartitionKey": _PARTITION, "RowKey": uuid.uuid4().hex}
    table = connection.tables.get_table_client(node_table.TABLE)
    steps: Sequence[Step] = (
        ("write", lambda: table.create_entity(key)),
        ("read", lambda: table.get_entity(_PARTITION, key["RowKey"])),
        ("delete", lambda: table.delete_entity(_PARTITION, key["RowKey"])),
    )
    return _tried(f"a row of table {node_table.TABLE}", table.url, steps, steps[-1][1])


def queue_rights(connection: Connection) -> Tried:
    """Create a queue, send, receive, renew and delete a message, remove the queue."""
    name = f"{_PARTITION}-{uuid.uuid4().hex[:12]}"
    queue = connection.queues.get_queue_client(name)
    held: dict[str, Any] = {}

    def receive() -> None:
        message = queue.receive_message(visibility_timeout=_SECONDS)
        if message is None:
            raise StoreError(f"receiving from queue {name}: the message that was sent is not there")
        held.update(id=message.id, receipt=message.pop_receipt)

    def renew() -> None:
        answer = queue.update_message(held["id"], held["receipt"], visibility_timeout=_SECONDS)
        held.update(receipt=answer.pop_receipt)

    steps: Sequence[Step] = (
        ("create", queue.create_queue),
        ("send", lambda: queue.send_message("{}", time_to_live=600)),
        ("receive", receive),
        ("renew", renew),
        ("delete", lambda: queue.delete_message(held["id"], held["receipt"])),
        ("remove", queue.delete_queue),
    )
    return _tried(f"queue {name}", queue.url, steps, queue.delete_queue)


def blob_rights(connection: Connection) -> Tried:
    """Put, get and delete a blob of the container with the accepted documents."""
    container = connection.settings.accepted_container
    name = f"{_PARTITION}/{uuid.uuid4().hex[:12]}"
    blob = connection.blobs.get_blob_client(container, name)
    steps: Sequence[Step] = (
        ("put", lambda: blob.upload_blob(b"{}", overwrite=True)),
        ("get", lambda: blob.download_blob().readall()),
        ("delete", blob.delete_blob),
    )
    return _tried(f"blob {name} of container {container}", blob.url, steps, blob.delete_blob)


def share_rights(account: str, key: str, endpoint: str) -> Tried:
    """Create a share, append to a file on it as to a job's log, remove the share."""
    address = ShareAddress(account, f"{_PARTITION}-{uuid.uuid4().hex[:12]}", key, endpoint)
    folder = ShareFolder(address, _PARTITION)

    def make() -> None:
        folder.create()
        folder.start_file("log.txt", "")

    try:
        steps: Sequence[Step] = (
            ("create", lambda: create_share(address)),
            ("make a file", make),
            ("append", lambda: folder.append("log.txt", 0, b"doctor\n")),
            ("remove", lambda: _remove_share(address)),
        )
        return _tried(
            f"share {address.share} of account {account}", address.url, steps, lambda: _remove_share(address)
        )
    finally:
        folder.close()


def _reach(url: str) -> None:
    """A plain connection first: the SDK tries a closed port for half a minute."""
    parts = urlsplit(url)
    if parts.scheme not in getproxies():
        port = parts.port or (80 if parts.scheme == "http" else 443)
        socket.create_connection((parts.hostname or "", port), _CONNECT_SECONDS).close()


def _remove_share(address: ShareAddress) -> None:
    credential: Any = {"account_name": address.account, "account_key": address.key}
    options: dict[str, Any] = {"retry_total": 1}
    if not address.key:
        credential, options["token_intent"] = identity(), "backup"
    with ShareClient(address.url, address.share, credential=credential, **options) as client:
        client.delete_share()


def identity_name() -> str:
    """Whom the machine's identity signs in as, in words. Raises StoreError where there is none."""
    try:
        return name_in_token(identity().get_token(_STORAGE_SCOPE).token)
    except ClientAuthenticationError as error:
        raise StoreError("nobody is signed in: no managed identity answers, and no az login") from error


def name_in_token(token: str) -> str:
    """The principal that an Entra access token names; the token itself is in no part of the answer."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        return "an identity whose token names nobody"
    resource = str(claims.get("xms_mirid", "")).rpartition("/")[2]
    name = resource or claims.get("upn") or claims.get("appid") or "an unnamed principal"
    return f"{name} (object id {claims.get('oid', 'unknown')})"


def _tried(what: str, url: str, steps: Sequence[Step], undo: Callable[[], object]) -> Tried:
    worked: list[str] = []
    try:
        _reach(url)
    except (OSError, UnicodeError) as error:  # UnicodeError: a host name that cannot be one
        host = urlsplit(url).hostname
        words = f"{what}: storage could not be reached at {host} ({type(error).__name__})"
        return Tried((), steps[0][0], StoreError(words))
    for right, step in steps:
        try:
            with translated(f"{right} ({what})"):
                step()
        except BatchAIError as fault:
            with suppress(AzureError, BatchAIError):
                undo()
            return Tried(tuple(worked), right, fault)
        worked.append(right)
    return Tried(tuple(worked))
