"""Rows of the table of jobs that were read one after the other while jobs went on: made those of one moment.

A job of the third layout that lives has a row under its name, which points, and a live entry, which is the
job (job_entries.py). Keys sort the first before the second and both before the entry by time: who reads them
all may find the first, and the job has ended before the second. Then the entry by time says how.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from shared.jobs import layouts
from shared.stores import job_rows, row_keys

#: The size of a row in bytes, and the row.
Sized = tuple[int, dict[str, Any]]


def mended(rows: Iterable[Sized]) -> Iterator[Sized]:
    """`rows`, in the order of their keys, each name with its job: of a job that has ended since its name was
    read the entry by time stands under the name, of one that is gone nothing does, and one that came too late
    to have its name read has no live entry."""
    names: dict[tuple[str, str], Sized] = {}  # by partition and live entry
    for size, row in rows:
        partition, key = str(row["PartitionKey"]), str(row["RowKey"])
        if live := job_rows.pointed_at(row):
            names[partition, live] = (size, row)
            continue
        if key.startswith(row_keys.LIVE_WHOLE) and str(row.get("Layout", "")).startswith(f"{layouts.THIRD}|"):
            name = names.pop((partition, key), None)
            if name:
                yield from (name, (size, row))
            continue
        if name := names.pop((partition, row_keys.live_of_time_row(key)), None):
            yield size, {**row, "RowKey": name[1]["RowKey"]}
        yield size, row
