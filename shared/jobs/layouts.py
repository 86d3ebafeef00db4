"""Layouts: which entries a job has in lists beside its row (shared/stores/job_entries.py), and how a row says
so. Runners of an earlier version can claim jobs of the first layout only (docs/adr/0315). PURE."""

FIRST = 1
LATEST = 2


def marked(layout: int, written: str) -> str:
    """A layout as a column holds it. An earlier version carries the column along while it writes others:
    `written` says something of those that it changes."""
    return f"{layout}|{written}"


def read(mark: object, written: str) -> int:
    """The layout of `marked`; the first one where the mark is of other values, or none."""
    layout, _, then = str(mark or "").partition("|")
    return int(layout) if then == written and layout.isdecimal() else FIRST
