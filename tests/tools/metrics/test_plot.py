# SPDX-License-Identifier: MIT
"""Pictures of runs."""

from __future__ import annotations

import math
import re
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftorch_tools.metrics.plot import check_plot, draw_plot, thin
from ftorch_tools.metrics.series import Series
from ftorch_tools.metrics.source import Source

pytest.importorskip("matplotlib")


@pytest.fixture
def runs(tmp_path):
    """Two runs; the second one has a gap, a curve of its own and an odd name."""
    contents = {
        "_first": "step,time,loss\n" + "".join(f"{n},{n},{10.0**-n}\n" for n in range(6)),
        "b$x$": "step,loss,a_b$\\frac$\n1,2,-1\n2,NaN,-2\n3,1,\n4,Infinity,-3\n5,0.5,0\n",
    }
    sources = []
    for name, content in contents.items():
        (tmp_path / f"{name}.csv").write_text(content)
        sources.append(Source(tmp_path / f"{name}.csv", name))
        sources[-1].read_on()
    return [source.view([]) for source in sources]


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved."""
    from matplotlib.figure import Figure

    figures = []
    save = Figure.savefig

    def note(figure, *arguments, **settings):
        figures.append(figure)
        save(figure, *arguments, **settings)

    monkeypatch.setattr(Figure, "savefig", note)
    return figures


def test_panels_and_lines(runs, drawn, tmp_path):
    draw_plot(runs, tmp_path / "x.png")
    (figure,) = drawn
    loss, other = (axes for axes in figure.axes if axes.axison)
    assert loss.get_title() == "loss"
    assert (loss.get_yscale(), other.get_yscale()) == ("log", "linear")
    first, second, gaps = loss.lines
    assert list(first.get_ydata()) == [10.0**-n for n in range(6)]
    assert list(second.get_xdata()) == [1, 2, 3, 4, 5]
    assert [math.isnan(value) for value in second.get_ydata()] == [0, 1, 0, 1, 0]
    assert list(gaps.get_xdata()) == [2, 4]
    assert gaps.get_color() == second.get_color() != first.get_color()
    assert list(other.lines[0].get_xdata()) == [1, 2, 4, 5]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [" _first", r"b\$x\$"]


@pytest.mark.parametrize(
    ("suffix", "head"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]
)
def test_formats(runs, tmp_path, suffix, head):
    picture = tmp_path / f"x.{suffix}"
    draw_plot(runs, picture)
    assert picture.read_bytes().startswith(head)


def test_a_picture_has_lines_of_both_colours(runs, tmp_path):
    from matplotlib.image import imread

    draw_plot(runs, tmp_path / "x.png")
    pixels = imread(tmp_path / "x.png")[:, :, :3]
    for colour in ((0x1F, 0x77, 0xB4), (0xFF, 0x7F, 0x0E)):
        near = abs(pixels * 255 - colour).max(axis=2) < 2
        assert near.sum() > 500


def test_many_runs(runs, drawn, tmp_path):
    draw_plot(runs * 10, tmp_path / "x.svg")
    loss = drawn[0].axes[0]
    assert len({line.get_color() for line in loss.lines}) == 20


@given(st.lists(st.floats() | st.just(math.nan), max_size=60))
def test_short_series_are_drawn_whole(values):
    steps, shown = thin(Series("m", array("q", range(len(values))), array("d", values)))
    assert steps == list(range(len(values)))
    for value, line in zip(values, shown):
        assert line == value or (math.isnan(line) and not math.isfinite(value))


def test_of_long_series_extremes_and_gaps_are_kept():
    values = [math.sin(n / 5000) for n in range(100_000)]
    values[777], values[50_000] = 5.0, -5.0
    values[60_000:60_010] = [math.nan] * 10
    steps, shown = thin(Series("m", array("q", range(len(values))), array("d", values)))
    assert len(shown) < 2500
    assert steps == sorted(steps)
    assert shown[steps.index(777)] == 5.0
    assert shown[steps.index(50_000)] == -5.0
    assert [round(step, -3) for step, value in zip(steps, shown) if value != value] == [60_000]


def test_command(tmp_path, metrics):
    (tmp_path / "m.csv").write_text("step,loss\n1,2\n2,1\n")
    answer = metrics("m.csv", "--plot", "x.svg")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert re.search("<path", (tmp_path / "x.svg").read_text())
    (tmp_path / "wide.csv").write_text(f"step,{','.join(f'm{n}' for n in range(61))}\n")
    wide = metrics("wide.csv", "--plot", "x.PDF")
    assert wide.returncode == 2
    assert "--plot: got 61 metrics; expected at most 60: choose by --metric" in wide.stderr
    assert metrics("wide.csv", "--plot", "x.PDF", "--metric", "m1").returncode == 0
    assert (tmp_path / "x.PDF").read_bytes().startswith(b"%PDF")
    failed = metrics("m.csv", "--plot", "none/x.svg")
    assert failed.returncode == 3
    assert failed.stderr == (
        "ftorch-metrics: cannot write none/x.svg: No such file or directory\n"
    )


def test_without_matplotlib(tmp_path, metrics):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('no such thing')")
    (tmp_path / "m.csv").write_text("step,loss\n1,2\n")
    answer = metrics("m.csv", "--plot", "x.svg", PYTHONPATH=_first_path(tmp_path))
    assert answer.returncode == 2
    assert answer.stderr == (
        "ftorch-metrics: --plot needs matplotlib: python -m pip install matplotlib"
        " (no such thing)\n"
    )
    assert answer.stdout == ""


def _first_path(folder: Path) -> str:
    root = Path(check_plot.__code__.co_filename).parents[2]
    return f"{folder}:{root}"
