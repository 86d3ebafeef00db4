"""The picture of a sweep as an SVG: metric against each parameter, and the curves of all runs. Pure."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

Point = tuple[float, float]
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 320, 220, 60, 34, 40
_ACROSS = 3
_BEST, _OTHER = "#c2410c", "#2563eb"
#: A parameter whose values span more than this many times is drawn by its logarithm.
_LOG_SPAN = 50.0


def picture(
    name: str, metric: str, runs: Sequence[dict[str, Any]], curves: Mapping[int, Sequence[Point]]
) -> str:
    """The SVG. `runs`: best first, as the service lists them; `curves`: by index."""
    drawn = [run for run in runs if run.get("metric") is not None]
    names = list(dict.fromkeys(key for run in runs for key in run["parameters"]))
    panels = [_scatter(parameter, metric, drawn) for parameter in names]
    if curves:
        best = int(drawn[0]["index"]) if drawn else None
        panels.append(_lines(metric, curves, best))
    across = max(1, min(_ACROSS, len(panels)))
    rows = max(1, math.ceil(len(panels) / across))
    width, height = across * _WIDTH, rows * _HEIGHT + 30
    placed = (
        f'<g transform="translate({n % across * _WIDTH},{n // across * _HEIGHT + 30})">{panel}</g>'
        for n, panel in enumerate(panels)
    )
    title = f"sweep {name}: {metric}, {len(drawn)} of {len(runs)} runs"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="white"/>'
        f'<text x="12" y="20" font-size="14">{escape(title)}</text>{"".join(placed)}</svg>\n'
    )


def _scatter(parameter: str, metric: str, runs: Sequence[dict[str, Any]]) -> str:
    values = [run["parameters"][parameter] for run in runs]
    place, ticks = _axis(values)
    points = [(place(v), float(run["metric"])) for v, run in zip(values, runs, strict=True)]
    x, y = _scale([p[0] for p in points], _LEFT, _WIDTH - 16), _vertical([p[1] for p in points])
    dots = (
        f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="{5 if n == 0 else 3.5}" '
        f'fill="{_BEST if n == 0 else _OTHER}" fill-opacity="0.75"><title>'
        f"{escape(_shown(runs[n], metric))}</title></circle>"
        for n, (a, b) in enumerate(points)
    )
    marks = "".join(_tick(x(at), text) for at, text in ticks)
    return _frame(parameter, metric, [p[1] for p in points], y) + marks + "".join(dots)


def _lines(metric: str, curves: Mapping[int, Sequence[Point]], best: int | None) -> str:
    points = [point for line in curves.values() for point in line]
    steps, values = [p[0] for p in points], [p[1] for p in points]
    x, y = _scale(steps, _LEFT, _WIDTH - 16), _vertical(values)
    lines = []
    for index, line in sorted(curves.items(), key=lambda pair: pair[0] == best):
        colour, wide = (_BEST, 2) if index == best else (_OTHER, 1)
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in line)
        lines.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{wide}" '
            f'stroke-opacity="0.7"><title>run {index}</title></polyline>'
        )
    ends = sorted({min(steps), max(steps)})
    marks = "".join(_tick(x(at), f"{at:.4g}") for at in ends)
    return _frame("step", metric, values, y) + marks + "".join(lines)


def _axis(values: Sequence[Any]) -> tuple[Callable[[Any], float], list[tuple[float, str]]]:
    """Where a value of a parameter lies, and the marks: numbers by size, anything else in order."""
    if values and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        low, high = min(values), max(values)
        if low > 0 and high / low > _LOG_SPAN:
            return (lambda v: math.log10(v)), [(math.log10(v), f"{v:.3g}") for v in sorted({low, high})]
        return float, [(float(v), f"{v:.4g}") for v in sorted({low, high})]
    order = list(dict.fromkeys(str(v) for v in values))
    return (lambda v: float(order.index(str(v)))), [(float(n), text[:12]) for n, text in enumerate(order)]


def _scale(values: Sequence[float], first: float, last: float) -> Callable[[float], float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    width = high - low
    return lambda v: (first + last) / 2 if not width else first + (v - low) / width * (last - first)


def _vertical(values: Sequence[float]) -> Callable[[float], float]:
    return _scale(values, _HEIGHT - _BOTTOM - 6, _TOP + 6)


def _frame(across: str, metric: str, values: Sequence[float], y: Callable[[float], float]) -> str:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - 10
    ends = sorted({min(values, default=0.0), max(values, default=1.0)})
    marks = "".join(
        f'<text x="{_LEFT - 8}" y="{y(v) + 4:.1f}" text-anchor="end" fill="#555">{v:.4g}</text>' for v in ends
    )
    return (
        f'<rect x="{_LEFT - 6}" y="{_TOP}" width="{right - _LEFT + 6}" height="{bottom - _TOP}" fill="none" '
        f'stroke="#bbb"/><text x="{(_LEFT + right) / 2:.0f}" y="{bottom + 32}" text-anchor="middle">'
        f'{escape(across)}</text><text x="{_LEFT - 6}" y="{_TOP - 6}">{escape(metric)}</text>{marks}'
    )


def _tick(x: float, text: str) -> str:
    at = _HEIGHT - _BOTTOM
    return f'<text x="{x:.1f}" y="{at + 15}" text-anchor="middle" fill="#555">{escape(text)}</text>'


def _shown(run: dict[str, Any], metric: str) -> str:
    values = ", ".join(f"{name}={value}" for name, value in run["parameters"].items())
    return f"run {run['index']}: {metric}={run['metric']:.6g} ({values})"
