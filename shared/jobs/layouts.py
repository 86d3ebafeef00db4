"""Layouts: which rows a job has in its workspace's partition (shared/stores/job_entries.py), and how a row
says so. Runners of an earlier version can claim jobs of earlier layouts only (docs/adr/0315, 0385). PURE."""

FIRST = 1
SECOND = 2
#: While it lives, the job lies in its live entry, and the row under its name says where that is.
THIRD = 3
LATEST = THIRD


def marked(layout: int, written: str) -> str:
    """A layout as a column holds it. An earlier version carries the column along while it writes others:
    `written` says something of those that it changes."""
    return f"{layout}|{written}"


def read(mark: object, written: str) -> int:
    """The layout of `marked`; the first one where the mark is of other values, or none."""
    layout, _, then = str(mark or "").partition("|")
    return int(layout) if then == written and layout.isdecimal() else FIRST
