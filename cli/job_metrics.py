"""`batchai job metrics`: what a job uses and what it says of itself, as a table and as curves."""

from collections.abc import Sequence
from typing import Any

import click

from cli import columns
from cli.faults import NOT_FOUND, USAGE, Fault
from cli.job import jobs, where
from cli.metric_series import Series, series_of
from cli.options import command
from cli.plot import curves
from cli.session import Session

#: The columns of a terminal hold no more points than this.
_POINTS = 500


@command(
    jobs,
    "metrics",
    "job metrics -w research -e mnist --compare first second --plot loss",
    click.option("name", "-n", "--name", "-j", "--job", help="Name of the job."),
    click.option("--compare", nargs=2, metavar="JOB JOB", help="Two jobs side by side, in place of -n."),
    click.option("--plot", multiple=True, metavar="METRIC", help="Draw this metric; several: once for each."),
    click.option(
        "--points", type=click.IntRange(1, 5000), default=_POINTS, help="Samples of each series, at most."
    ),
    *where,
)
def metrics(
    session: Session, name: str | None, compare: tuple[str, str] | None, plot: tuple[str, ...], points: int
) -> None:
    """What a job uses (GPUs, processors, memory, disk) and what it writes to $AZ_BATCHAI_METRICS_FILE.

    A table of the latest, least and largest values; with --plot curves below it. With -o json everything.
    """
    if (name is None) == (compare is None):
        raise Fault("either -n or --compare is needed", "Example: batchai job metrics -n first", USAGE)
    names = compare or (str(name),)
    answers = [session.api.get(f"{session.job(each)}/metrics", maxpoints=points) for each in names]
    found = [series_of(answer) for answer in answers]
    if compare:
        session.show_all(_compared(names, found), columns.compared_metric)
    elif session.is_table:
        session.show_all((_row(series) for series in found[0]), columns.metric)
    else:
        session.show(answers[0], columns.metric)
    for metric in plot:
        _draw(metric, names, found)


def _row(series: Series) -> dict[str, Any]:
    return {"metric": series.key, "of": series.of, **series.figures()}


def _compared(names: Sequence[str], found: Sequence[Sequence[Series]]) -> list[dict[str, Any]]:
    """A row for each metric that one of the jobs has."""
    keys = dict.fromkeys((one.key, one.of) for every in found for one in every)
    tables = [{(one.key, one.of): one.figures() for one in every} for every in found]
    return [
        {
            "metric": key,
            "of": of,
            "jobs": [
                {"job": name, **table.get((key, of), {})} for name, table in zip(names, tables, strict=True)
            ],
        }
        for key, of in keys
    ]


def _draw(metric: str, names: Sequence[str], found: Sequence[Sequence[Series]]) -> None:
    """Raises Fault where no job has it, with those that there are."""
    lines = [
        (f"{name} {one.of}".strip() if len(names) > 1 else one.of, one)
        for name, every in zip(names, found, strict=True)
        for one in every
        if one.key == metric
    ]
    if not lines:
        there = ", ".join(dict.fromkeys(one.key for every in found for one in every)) or "none yet"
        raise Fault(f"there is no metric {metric}", f"There are: {there}", NOT_FOUND)
    click.echo(curves(metric, lines), nl=False)
