"""What a soak has found, for people: a verdict in words, a table of slopes, curves as SVG in one page."""

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

import leather

from tests.soak.run import Soak
from tests.soak.samples import UNITS
from tests.soak.slopes import BARS, Growth, Slope, series_of, what

#: Of the curves of one picture; no more are drawn: the longest. A runner that faults end has several.
_COLOURS = ("#0b6fb8", "#c8553d", "#3a8f4d", "#7f4fa3", "#b7791f", "#1b998b", "#8a8d91", "#d1495b")
_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto}td,th{padding:0 1em 0 0;text-align:left}"
)


def faults(soak: Soak, found: Iterable[Slope]) -> list[str]:
    """Everything that is not as it should be, one line each; empty: the soak is good."""
    grown = [
        f"grows: {one.series} by {one.per_hour:.2f} ± {one.error:.2f} {UNITS[what(one.series)]} an hour"
        f" (at most {BARS[what(one.series)]:g})"
        for one in found
        if one.growth is Growth.GROWS
    ]
    return [*soak.wrong, *(f"left: {text}" for text in soak.left), *grown, *_suite(soak)]


def _suite(soak: Soak) -> list[str]:
    return [f"fault of the suite: {text}" for text in soak.suite]


def table(soak: Soak, found: Sequence[Slope]) -> str:
    """The verdict and the slopes, for a terminal. Series that were too short to judge are counted only."""
    judged = [one for one in found if one.growth is not Growth.SHORT]
    short = len(found) - len(judged)
    lines = [
        f"seed {soak.plan.seed}, {soak.plan.seconds / 60:.0f} minutes, {soak.jobs} jobs, "
        f"{sum(soak.faults.values())} faults of {len(soak.faults)} kinds, {soak.given_up} jobs given up",
        f"{'series':<28}{'minutes':>8}{'first':>10}{'last':>10}{'an hour':>10}{'±':>9}  {'bar':>6}",
        *map(_row, sorted(judged, key=lambda one: (what(one.series), -one.seconds))),
    ]
    if short:
        lines.append(f"{short} series were too short to judge (runners that faults ended, or a short soak)")
    wrong = faults(soak, found)
    return "\n".join([*lines, *(wrong or ["nothing wrong"])])


def _row(one: Slope) -> str:
    return (
        f"{one.series:<28}{one.seconds / 60:8.0f}{one.first:10.1f}{one.last:10.1f}{one.per_hour:10.2f}"
        f"{one.error:9.2f}  {BARS[what(one.series)]:6g}  {one.growth}"
    )


def write(soak: Soak, found: Sequence[Slope], out: Path) -> Path:
    """The page and its pictures in the folder `out`; the page's path."""
    pictures = []
    for kind, unit in UNITS.items():
        curves = {name: points for name, points in series_of(soak.samples).items() if what(name) == kind}
        if curves:
            _draw(f"{kind} ({unit})", curves, out / f"{kind}.svg")
            pictures.append(f'<h2>{kind}</h2><img src="{kind}.svg" alt="{kind} over time" width="100%">')
    text = html.escape(table(soak, found))
    page = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Soak</title><style>{_STYLE}</style>"
        f"<h1>Soak</h1><pre>{text}</pre>{''.join(pictures)}</html>\n"
    )
    (out / "index.html").write_text(page)
    return out / "index.html"


def _draw(title: str, curves: dict[str, list[tuple[float, float]]], path: Path) -> None:
    chart = leather.Chart(title)
    longest = sorted(curves, key=lambda name: -len(curves[name]))[: len(_COLOURS)]
    for name, colour in zip(sorted(longest), _COLOURS, strict=False):
        points = [(at / 60, value) for at, value in curves[name]]
        chart.add_line(points, name=name.partition("/")[2], stroke_color=colour)
    chart.add_x_axis(name="minutes")
    chart.to_svg(str(path), width=900, height=360)
