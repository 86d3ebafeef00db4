"""Curves in a terminal, in characters."""

import shutil
import sys
from collections.abc import Sequence

from cli.metric_series import Series

_WIDTH, _HEIGHT, _NARROWEST = 80, 16, 30


def curves(title: str, lines: Sequence[tuple[str, Series]]) -> str:
    """Series over each other, each with its name; without colours where the output is no terminal."""
    # Imported late: it takes a fifth of a second, and only this needs it.
    import plotext

    colours = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if colours else _WIDTH
    figure = plotext.figure
    figure.clear()
    figure.theme("simple")
    figure.plot_size(max(_NARROWEST, width - 1), _HEIGHT)
    figure.title(title)
    for name, series in lines:
        signal = figure.signal(series.x, series.y, marker="braille")
        if len(series.x) > 1:
            signal.lines()
        if len(lines) > 1:
            signal.label(name)
        figure.draw(signal)
    text = str(figure.build().string(not colours))
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())
