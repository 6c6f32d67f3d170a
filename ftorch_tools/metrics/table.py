# SPDX-License-Identifier: MIT
"""The table of metrics, as wide as the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ftorch_tools.metrics.reader import TIME
from ftorch_tools.metrics.source import Run
from ftorch_tools.metrics.spark import draw_spark
from ftorch_tools.metrics.summary import Point, summarize
from ftorch_tools.text import duration, one_line

_GAP = 2
_NARROWEST_CURVE = 10
_WIDEST_CURVE = 60
# What goes first where there is little room.
_DISPENSABLE = ("per step", "first", "at step", "minimum")


@dataclass(frozen=True)
class Style:
    """How wide the table may be, and of which characters."""

    width: int
    ascii_only: bool = False


@dataclass(frozen=True)
class _Row:
    cells: dict[str, Text]
    values: Sequence[float]


def draw_table(runs: Sequence[Run], style: Style) -> Group:
    """Return a line about each file, and a table with a row for each metric of each."""
    heads = [Text(_about(run), style="dim") for run in runs]
    rows = _rows(runs, with_files=len(runs) > 1)
    if not rows:
        return Group(*heads)
    names = list(rows[0].cells)
    widths = {
        name: max(cell_len(name), *(cell_len(row.cells[name].plain) for row in rows))
        for name in names
    }
    room = style.width - _room(widths)
    for name in _DISPENSABLE:
        if room < _NARROWEST_CURVE:
            room += widths.pop(name) + _GAP
    curve = min(max(room, _NARROWEST_CURVE), _WIDEST_CURVE)
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for name in widths:
        is_name = name in ("metric", "file")
        justify = "left" if is_name else "right"
        table.add_column(name, justify=justify, no_wrap=not is_name, overflow="fold")  # type: ignore[arg-type]
    table.add_column("curve", no_wrap=True, overflow="crop")
    for row in rows:
        table.add_row(*(row.cells[name] for name in widths), _curve(row.values, curve, style))
    return Group(*heads, table)


def _room(widths: dict[str, int]) -> int:
    # The word after the curve of a logarithmic scale needs some too.
    return sum(widths.values()) + _GAP * len(widths) + len(" log") + _GAP


def _about(run: Run) -> str:
    reader = run.source.reader
    count = len(run.steps)
    about = f"{reader.name}: {count} record{'' if count == 1 else 's'}"
    if count:
        about += f", steps {run.steps[0]} to {run.steps[-1]}{_duration(run)}"
    if reader.superseded:
        about += f"; {reader.superseded} superseded by a resumed run"
    return about


def _duration(run: Run) -> str:
    times = run.source.reader.find(TIME)
    summary = summarize(times.since(run.steps[0])) if times else None
    if summary is None or summary.per_step is None or summary.per_step <= 0.0:
        return ""
    seconds = summary.per_step * (run.steps[-1] - run.steps[0])
    return f" in {duration(seconds)}, {duration(summary.per_step)} a step"


def _rows(runs: Sequence[Run], *, with_files: bool) -> list[_Row]:
    """Return the rows of all runs, those of one metric together."""
    names = dict.fromkeys(series.name for run in runs for series in run.metrics)
    rows = []
    for name in names:
        for run in runs:
            for series in run.metrics:
                if series.name == name:
                    file = {"file": Text(run.source.label)} if with_files else {}
                    summary = summarize(series)
                    cells = {
                        "metric": Text(one_line(name), style="bold"),
                        **file,
                        "first": _value(summary.first),
                        "last": _value(summary.last),
                        "minimum": _value(summary.minimum),
                        "at step": Text(str(summary.minimum.step) if summary.minimum else "-"),
                        "per step": _rate(summary.per_step),
                    }
                    rows.append(_Row(cells, series.values))
    return rows


def _value(point: Point | None) -> Text:
    if point is None:
        return Text("-")
    return Text(show(point.value, 5), style="" if isfinite(point.value) else "bold red")


def _rate(value: float | None) -> Text:
    return Text("-" if value is None else f"{value:+.3g}")


def show(value: float, digits: int) -> str:
    """Return `value` as people and Fortran read it."""
    if isfinite(value):
        return f"{value:.{digits}g}"
    return "NaN" if value != value else "Infinity" if value > 0.0 else "-Infinity"


def _curve(values: Sequence[float], width: int, style: Style) -> Text:
    curve, logarithmic = draw_spark(values, width, ascii_only=style.ascii_only)
    text = Text(curve, style="cyan")
    if logarithmic:
        text.append(" log", style="dim")
    return text
