"""Managers over an Azurite of their own, in memory, with every storage call counted."""

import base64
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from local import azurite
from local.processes import Child
from shared.backend import Backend, backend, provision
from shared.settings_reader import settings_from
from shared.stores.connection import CallCounter


@contextmanager
def azurite_backend() -> Iterator[tuple[Backend, CallCounter, Child]]:
    """The managers of a new installation, their counter, and Azurite's process; both end with it."""
    with tempfile.TemporaryDirectory() as folder:
        child, endpoints = azurite.start(Path(folder) / "azurite.log")
        try:
            settings = settings_from(
                {
                    "BATCHAI_STORAGE": endpoints.connection_string,
                    "BATCHAI_SEALING_KEYS": base64.b64encode(b"k" * 32).decode(),
                }
            )
            provision(settings)
            counter = CallCounter()
            with closing(backend(settings, counter)) as services:
                yield services, counter, child
        finally:
            child.stop()
