"""`batchai sweep show` and `best`: the runs of a sweep, best first, again and again until it has ended."""

import sys
import time
from pathlib import Path
from typing import Any

import click

from cli.faults import NOT_FOUND, Fault
from cli.messages import say
from cli.options import command
from cli.output import rows_text
from cli.retry import Retry
from cli.session import Session
from cli.sweep_group import ENDED, name, sweeps, where
from cli.sweep_runs import best_first, metric_name, run_row, summary

_LOOK_SECONDS = 2.0


@command(
    sweeps,
    "show",
    "sweep show -w research -e mnist -n rates --plot rates.svg",
    name,
    *where,
    click.option("--once", is_flag=True, help="Do not refresh.  [default: in a terminal until it has ended]"),
    click.option("--plot", metavar="FILE.svg", help="Draw metric against each parameter, and the curves."),
)
def show(session: Session, name: str, once: bool, plot: str | None) -> None:
    """Show the runs of a sweep, best first. In a terminal the table refreshes itself until the sweep ends."""
    path = session.sweep(name)
    if session.is_table and sys.stdout.isatty() and not once:
        sweep, runs = watched(session, path)
    else:
        sweep, runs = looked_at(session, path)
        metric = sweep["properties"].get("metric")
        session.show_all(runs, lambda run: run_row(run, metric))
        if session.is_table:
            say(summary(sweep))
    if plot:
        draw(session, sweep, runs, Path(plot))


@command(sweeps, "best", "sweep best -w research -e mnist -n rates", name, *where)
def best(session: Session, name: str) -> None:
    """Show the best run so far: its parameters, its job, its metric. Exit code 3 where none has a metric."""
    sweep, runs = looked_at(session, session.sweep(name))
    metric = sweep["properties"].get("metric")
    if not runs or runs[0].get("metric") is None:
        raise Fault(f"no run of the sweep {name} has a metric", "See: batchai sweep show", NOT_FOUND)
    session.show(runs[0], lambda run: run_row(run, metric))


def looked_at(session: Session, path: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A sweep and its runs, best first."""
    sweep = session.api.get(path)
    runs = list(session.api.pages("GET", f"{path}/runs"))
    return sweep, best_first(runs, sweep["properties"].get("metric"))


def watched(session: Session, path: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The sweep once it has ended; until then its table is drawn anew, or where there is no terminal a line
    says each change."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    retry, said = Retry(say, time.sleep), ""
    in_terminal = sys.stdout.isatty()
    with Live(console=Console(highlight=False), auto_refresh=False, transient=False) as live:
        if not in_terminal:
            live.stop()
        while True:
            sweep, runs = retry(lambda: looked_at(session, path))
            metric, line = sweep["properties"].get("metric"), summary(sweep)
            if in_terminal:
                table = rows_text([run_row(run, metric) for run in runs[: live.console.height - 4]])
                live.update(Text(f"{table}\n{line}"), refresh=True)
            elif line != said:
                say(line)
            said = line
            if sweep["properties"]["state"] in ENDED:
                break
            time.sleep(_LOOK_SECONDS)
    if not in_terminal:
        session.show_all(runs, lambda run: run_row(run, metric))
    return sweep, runs


def draw(session: Session, sweep: dict[str, Any], runs: list[dict[str, Any]], file: Path) -> None:
    """Write the picture of a sweep. Raises Fault."""
    from cli.sweep_curves import curves
    from cli.sweep_plot import picture

    metric = sweep["properties"].get("metric")
    if not metric:
        raise Fault(
            "the sweep has no metric, so there is nothing to draw", "Give it one: metric in sweep.json."
        )
    lines = curves(session.api, runs, metric_name(metric)) if metric.get("key") else {}
    try:
        file.write_text(picture(sweep["name"], metric_name(metric), runs, lines), encoding="utf-8")
    except OSError as error:
        raise Fault(f"{file} cannot be written: {error.strerror or error}") from None
    say(f"drawn: {file}")
