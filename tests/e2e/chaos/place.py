"""Where arenas are: a network and an Azurite in it."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from local import azurite
from local.azurite import Endpoints
from local.processes import Child
from tests.support.own_network import own_network


@dataclass
class Place:
    """For one arena, or for several one after the other: each has a workspace of its own in there."""

    storage: Child
    endpoints: Endpoints


@contextmanager
def place(folder: Path, on_disk: bool = False, shares_network: bool = False) -> Iterator[Place]:
    """`on_disk`: Azurite can be started again with what it has written; else it keeps everything in memory.
    `shares_network`: where others of this machine take part; else nobody else is in its network."""
    with nullcontext() if shares_network else own_network():
        child, endpoints = azurite.start(folder / "azurite.log", folder / "azurite" if on_disk else None)
        made = Place(child, endpoints)
        try:
            yield made
        finally:
            made.storage.stop(2)
