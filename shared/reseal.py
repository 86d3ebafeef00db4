"""`python -m shared.reseal`: seal stored secrets anew with the newest key, so that older keys can be dropped.

Run it with the function app's settings, after every part of the installation has the new key first. It can be
repeated and interrupted: each document is written by itself, over the very version that was read.
"""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from shared.errors import LostOwnershipError, NotFoundError, SettingsError, StoreError
from shared.settings_reader import settings_from
from shared.stores.connection import Connection
from shared.stores.document_blobs import Documents
from shared.stores.secrets.sealing import Sealer
from shared.stores.secrets.sealing_keys import with_vault_keys

_TRIES = 3


@dataclass(frozen=True)
class Tally:
    """What became of the accepted documents."""

    looked_at: int = 0
    resealed: int = 0
    failed: tuple[str, ...] = ()  #: "<document>: <why>"


def reseal(documents: Documents, sealer: Sealer, say: Callable[[str], None] = print) -> Tally:
    """Every accepted document (of jobs, their earlier runs, and revisions of clusters) under the newest key.

    Raises StoreError when the documents cannot be listed; what concerns a single one is in the tally.
    """
    tally = Tally()
    for name in documents.list_accepted():
        tally = replace(tally, looked_at=tally.looked_at + 1)
        try:
            if _reseal(documents, sealer, name):
                tally = replace(tally, resealed=tally.resealed + 1)
        except NotFoundError:
            pass  # its job was deleted meanwhile
        except StoreError as error:
            say(f"{name}: {error}")
            tally = replace(tally, failed=(*tally.failed, f"{name}: {error}"))
    return tally


def _reseal(documents: Documents, sealer: Sealer, name: str) -> bool:
    """Whether the document held anything to seal anew. Raises StoreError."""
    for _ in range(_TRIES):
        document, etag = documents.read_accepted(name)
        sealed, count = resealed(document, name, sealer)
        if not count:
            return False
        try:
            documents.replace_accepted(name, sealed, etag)
            return True
        except LostOwnershipError:
            continue  # written meanwhile (the same document delivered again): look at what lies there now
    raise StoreError("it is being written by others at the same time; run this again")


def resealed(value: Any, name: str, sealer: Sealer) -> tuple[Any, int]:
    """The accepted document `name` with what older keys have sealed, and what is not bound to it yet, under
    the newest key; and how many secrets that were."""
    if sealer.is_sealed(value):
        if sealer.is_newest(value):
            return value, 0
        return sealer.seal(sealer.unseal(value, name), name), 1
    if isinstance(value, dict):
        inner = {key: resealed(item, name, sealer) for key, item in value.items()}
        return {key: item for key, (item, _) in inner.items()}, sum(count for _, count in inner.values())
    if isinstance(value, list):
        items = [resealed(item, name, sealer) for item in value]
        return [item for item, _ in items], sum(count for _, count in items)
    return value, 0


def main(argv: list[str] | None = None) -> int:
    """Exit codes: 0 every document is under the newest key, 1 some are not, 2 wrong settings."""
    parser = argparse.ArgumentParser(prog="python -m shared.reseal", description=__doc__)
    parser.parse_args(argv)
    try:
        settings = with_vault_keys(settings_from(os.environ))
    except SettingsError as error:
        for fault in error.faults:
            print(f"error: {fault}", file=sys.stderr)
        return 2
    except StoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    connection, sealer = Connection(settings), Sealer(settings.sealing_keys)
    try:
        tally = reseal(Documents(connection), sealer)
    except StoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    print(f"{tally.looked_at} accepted documents, {tally.resealed} sealed anew, {len(tally.failed)} failed")
    if tally.failed:
        return 1
    print(f"all are under key {sealer.newest}: the other keys of BATCHAI_SEALING_KEYS can go")
    return 0


if __name__ == "__main__":
    sys.exit(main())
