"""Rows that this version cannot read: somebody newer wrote them. They are left alone and reported, and keep
nobody from the others."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from shared.errors import UnreadableError

log = logging.getLogger(__name__)

Read = TypeVar("Read")


@contextmanager
def readable(entity: Mapping[str, Any]) -> Iterator[None]:
    """Raises UnreadableError when what is done with a row shows that this version cannot read it."""
    try:
        yield
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        where = f"{entity.get('PartitionKey')}/{entity.get('RowKey')}"
        raise UnreadableError(f"row {where} was not written by this version: {error!r}") from error


def readables(entities: Iterable[Any], read: Callable[[Any], Read]) -> Iterator[Read]:
    """What `read` makes of each row that this version can read."""
    for entity in entities:
        try:
            yield read(entity)
        except UnreadableError as error:
            log.error("left alone: %s", error, extra={"action": "unreadable"})
