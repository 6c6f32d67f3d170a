# SPDX-License-Identifier: MIT
"""A picture of several runs: a panel for each metric, a line for each file."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftorch_tools.errors import InfrastructureError, UsageError
from ftorch_tools.metrics.series import Series
from ftorch_tools.metrics.source import Run
from ftorch_tools.metrics.summary import is_logarithmic
from ftorch_tools.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".pdf", ".png", ".svg")
# Of more values, the smallest and the largest of each of so many parts are drawn.
_PARTS = 1000
_FEW = 60
_MOST_MARKS = 200
_MOST_PANELS = 60


def check_plot(picture: Path) -> None:
    """Raise `UsageError` when `picture` cannot be drawn here."""
    if picture.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--plot: got {picture}; expected a name that ends in .png, .svg or .pdf")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        message = "--plot needs matplotlib: python -m pip install matplotlib"
        raise UsageError(f"{message} ({error})") from error


def draw_plot(runs: Sequence[Run], picture: Path) -> None:
    """Draw `runs` into `picture`, whose suffix names the format."""
    # Not pyplot, which looks for a display.
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    names = list(dict.fromkeys(series.name for run in runs for series in run.metrics))
    if len(names) > _MOST_PANELS:
        got = f"--plot: got {len(names)} metrics; expected at most {_MOST_PANELS}"
        raise UsageError(f"{got}: choose by --metric")
    columns = 1 if len(names) < 3 else 2
    rows = max(1, -(-len(names) // columns))
    figure = Figure(figsize=(6.4 * columns, 3.2 * rows + 0.4), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    colours = _colours(len(runs))
    for name, panel in zip(names, panels):
        lines = [
            (series, colour)
            for run, colour in zip(runs, colours)
            for series in run.metrics
            if series.name == name
        ]
        _fill(panel, name, lines)
        if panel is not panels[0]:
            panel.sharex(panels[0])
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    if len(runs) > 1:
        handles = [Line2D([], [], color=colour) for colour in colours]
        labels = [_plain(run.source.label) for run in runs]
        figure.legend(handles, labels, loc="outside upper center", ncols=min(4, len(runs)))
    image = BytesIO()
    figure.savefig(image, format=picture.suffix[1:].lower(), dpi=150)
    try:
        picture.write_bytes(image.getvalue())
    except OSError as error:
        raise InfrastructureError(f"cannot write {picture}: {error.strerror}") from error


def _colours(count: int) -> list[Any]:
    from matplotlib import colormaps

    if count <= 10:
        return [colormaps["tab10"](n) for n in range(count)]
    return [colormaps["turbo"](n / (count - 1)) for n in range(count)]


def _fill(panel: Axes, name: str, lines: Sequence[tuple[Series, Any]]) -> None:
    for series, colour in lines:
        _draw(panel, series, colour)
    if is_logarithmic(value for series, _ in lines for value in series.values):
        panel.set_yscale("log")
    panel.set_title(_plain(name))
    panel.set_xlabel("step")
    panel.grid(alpha=0.3)


def _draw(panel: Axes, series: Series, colour: Any) -> None:
    steps, values = thin(series)
    marker = "." if len(steps) <= _FEW else ""
    panel.plot(steps, values, color=colour, linewidth=1.2, marker=marker)
    gaps = [step for step, value in zip(steps, values) if value != value]
    if gaps:
        # Crosses on the axis show where there is no finite value to draw.
        gaps = gaps[:: -(-len(gaps) // _MOST_MARKS)]
        at_axis = panel.get_xaxis_transform()
        panel.plot(gaps, [0.02] * len(gaps), "x", color=colour, markersize=5, transform=at_axis)


def thin(series: Series) -> tuple[list[int], list[float]]:
    """Return the points of a line: NaN where there is a gap, and no more than can be seen."""
    steps, values = series.steps, series.values
    if len(values) <= 2 * _PARTS:
        return list(steps), [value if isfinite(value) else nan for value in values]
    chosen: list[int] = []
    lines: list[float] = []
    for part in range(_PARTS):
        where = range(part * len(values) // _PARTS, (part + 1) * len(values) // _PARTS)
        finite = [n for n in where if isfinite(values[n])]
        if finite:
            ends = {min(finite, key=values.__getitem__), max(finite, key=values.__getitem__)}
            chosen.extend(steps[n] for n in sorted(ends))
            lines.extend(values[n] for n in sorted(ends))
        if len(finite) < len(where):
            chosen.append(steps[where[-1]])
            lines.append(nan)
    return chosen, lines


def _plain(text: str) -> str:
    # A dollar begins a formula, and a name that begins with _ is left out of a legend.
    text = one_line(text).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text
