"""What an installation's account has to hold before anything else works: tables, containers, queues."""

import logging
from collections.abc import Callable, Sequence

from azure.core.exceptions import HttpResponseError

from shared.errors import ConflictError, NotFoundError, StoreError
from shared.stores.connection import Connection, translated

log = logging.getLogger(__name__)

_ROLES = {
    "table": "Storage Table Data Contributor",
    "container": "Storage Blob Data Contributor",
    "queue": "Storage Queue Data Contributor",
}


def make_missing(
    connection: Connection, tables: Sequence[str], containers: Sequence[str], queues: Sequence[str]
) -> tuple[str, ...]:
    """Make what is missing and return what was made ("table jobs"). Costs a request for all tables and one
    for each container and queue where nothing is missing. Several may do it at once.

    Raises StoreError; where this identity may not, it names what is missing and the role that makes it.
    """
    with translated("looking for the tables of the installation"):
        known = {table.name for table in connection.tables.list_tables()}
    made = [f"table {name}" for name in tables if name not in known and _table(connection, name)]
    made += [f"container {name}" for name in containers if _container(connection, name)]
    made += [f"queue {name}" for name in queues if _queue(connection, name)]
    if made:
        log.info("made what was missing: %s", ", ".join(made), extra={"action": "provision"})
    return tuple(made)


def _table(connection: Connection, name: str) -> bool:
    return _made("table", name, connection.storage_name, lambda: connection.tables.create_table(name))


def _container(connection: Connection, name: str) -> bool:
    client = connection.blobs.get_container_client(name)
    return _is_missing(f"container {name}", client.get_container_properties) and _made(
        "container", name, connection.storage_name, client.create_container
    )


def _queue(connection: Connection, name: str) -> bool:
    client = connection.queues.get_queue_client(name)
    return _is_missing(f"queue {name}", client.get_queue_properties) and _made(
        "queue", name, connection.storage_name, client.create_queue
    )


def _is_missing(what: str, look: Callable[[], object]) -> bool:
    try:
        with translated(f"looking for {what}"):
            look()
    except NotFoundError:
        return True
    return False


def _made(kind: str, name: str, account: str, make: Callable[[], object]) -> bool:
    """Whether it was made here: another instance may be faster."""
    try:
        with translated(f"creating {kind} {name}"):
            make()
    except ConflictError:
        return False
    except StoreError as error:
        if isinstance(error.__cause__, HttpResponseError) and error.__cause__.status_code == 403:
            raise StoreError(
                f"{kind} {name} of storage account {account} is missing, and this app's identity may not "
                f"make it. Give the identity the role {_ROLES[kind]} on the account, or have its owner make "
                f"the {kind}; then start the app again."
            ) from error
        raise
    return True
