"""`python -m shared.table_backup export|restore FILE`: the tables of an installation, as lines of JSON.

Blobs have versions and soft delete; tables have neither. Run it with the function app's settings. Messages
are not exported: the sweeper sends them anew, and hands on what ran when the export was made. Secrets are not
in rows; still the file says who ran what, so it is made for its owner only.
"""

import argparse
import base64
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

from shared.backend import TABLES, provision, provision_queues
from shared.errors import SettingsError, StoreError
from shared.package import package_version
from shared.settings_reader import settings_from
from shared.stores import job_table, table_dump, torn_rows
from shared.stores.connection import Connection

#: Rows hold nothing that is sealed: whoever makes a backup need not have the key.
_NO_KEY = {"BATCHAI_SEALING_KEYS": base64.b64encode(bytes(32)).decode()}
_FORMAT = "batchai-tables"
_VERSION = 1


class BackupError(Exception):
    """A file that cannot be restored, or an installation that must not be restored into; in words."""


def export(connection: Connection, file: Path) -> dict[str, int]:
    """Write every row to a new file, which is whole or not there; the number of rows by table.

    Raises StoreError, and OSError for the file.
    """
    draft = file.with_name(f"{file.name}.part")
    counts: dict[str, int] = {}
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as out:
        made = datetime.now(UTC).isoformat(timespec="seconds")
        _line(out, {"format": _FORMAT, "version": _VERSION, "package": package_version(), "made": made})
        for table in TABLES:
            counts[table] = 0
            for row in table_dump.rows_of(connection, table):
                _line(out, {"table": table, "row": row})
                counts[table] += 1
        # Without this line the file is a part of one.
        _line(out, {"end": counts})
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
    return counts


def _line(out: TextIO, value: Any) -> None:
    out.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def restore(connection: Connection, file: Path, over: bool = False) -> dict[str, int]:
    """Write every row of a file that `export` made, and make the clusters' queues; the number of rows by
    table. The tables are there.

    `over`: rows are written over those that are there, to go on after an interruption. Raises BackupError,
    before anything is written; StoreError, and OSError for the file.
    """
    counts = checked(file)
    if not over:
        filled = [table for table in TABLES if not table_dump.is_empty(connection, table)]
        if filled:
            raise BackupError(
                f"the tables {', '.join(filled)} have rows: a backup is restored into an empty installation. "
                "To go on with a restore that was interrupted, give --over"
            )
    for table, entries in groupby(_rows(file), lambda entry: entry[0]):
        rows = ((size, row) for _, size, row in entries)
        table_dump.put_rows(connection, table, torn_rows.mended(rows) if table == job_table.TABLE else rows)
    provision_queues(connection)
    return counts


def checked(file: Path) -> dict[str, int]:
    """The number of rows by table, of a file that is whole. Raises BackupError, OSError."""
    counts = dict.fromkeys(TABLES, 0)
    end: Any = None
    for number, entry in _entries(file):
        if number == 1:
            _check_head(file, entry)
        elif end is not None:
            raise BackupError(f"{file}:{number}: there is something after the end")
        elif "end" in entry:
            end = entry["end"]
        elif entry.get("table") not in TABLES:
            raise BackupError(f"{file}:{number}: this version knows no table {entry.get('table')!r}")
        else:
            _loaded(file, number, entry)
            counts[entry["table"]] += 1
    if end != counts:
        raise BackupError(f"{file} is not whole: it ends without a count of its rows, or with another one")
    return counts


def _check_head(file: Path, entry: dict[str, Any]) -> None:
    if entry.get("format") != _FORMAT:
        raise BackupError(
            f"{file} is no export of tables: make one with python -m shared.table_backup export"
        )
    if entry.get("version") != _VERSION:
        raise BackupError(
            f"{file} was made by version {entry.get('package')} in a form that this version "
            f"({package_version()}) does not know: restore it with that version"
        )


def _rows(file: Path) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for number, entry in _entries(file):
        if "row" in entry:
            size = len(json.dumps(entry["row"]))
            yield entry["table"], size, _loaded(file, number, entry)


def _loaded(file: Path, number: int, entry: dict[str, Any]) -> dict[str, Any]:
    try:
        return table_dump.loaded(entry["row"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BackupError(f"{file}:{number}: not a row of an export: {error}") from None


def _entries(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
            except ValueError:
                entry = None
            if not isinstance(entry, dict):
                raise BackupError(f"{file}:{number}: not a line of an export")
            yield number, entry


def main(argv: list[str] | None = None) -> int:
    """Exit codes: 0 done, 1 storage or the file failed or there are rows already, 2 wrong settings."""
    parser = argparse.ArgumentParser(
        prog="python -m shared.table_backup",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=("export", "restore"))
    parser.add_argument("file", type=Path, help="lines of JSON; export makes it, for its owner only")
    parser.add_argument("--over", action="store_true", help="restore: write over rows that are there")
    args = parser.parse_args(argv)
    try:
        settings = settings_from({**_NO_KEY, **os.environ})
    except SettingsError as error:
        for fault in error.faults:
            print(f"error: {fault}", file=sys.stderr)
        return 2
    connection = Connection(settings)
    try:
        if args.action == "export":
            counts = export(connection, args.file)
        else:
            checked(args.file)  # before anything is made
            provision(settings)
            counts = restore(connection, args.file, args.over)
    except OSError as error:
        print(f"error: {error.filename or args.file}: {error.strerror or error}", file=sys.stderr)
        return 1
    except (BackupError, StoreError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    done = {"export": "exported", "restore": "restored"}[args.action]
    print(f"{done}: {', '.join(f'{count} {table}' for table, count in counts.items())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
