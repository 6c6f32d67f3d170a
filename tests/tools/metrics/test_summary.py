# SPDX-License-Identifier: MIT
"""What is said of a series, its curve, and names of files."""

from __future__ import annotations

import math
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftorch_tools.metrics.labels import label_files
from ftorch_tools.metrics.series import Series
from ftorch_tools.metrics.spark import draw_spark
from ftorch_tools.metrics.summary import Point, Summary, summarize

NAN, INF = math.nan, math.inf


def series(*values, steps=None):
    """Return a series."""
    return Series("m", array("q", steps or range(len(values))), array("d", values))


def test_summary():
    made = summarize(series(4.0, 1.0, 1.0, 2.0, steps=[10, 20, 25, 30]))
    assert made == Summary("m", 4, 0, Point(10, 4.0), Point(30, 2.0), Point(20, 1.0), -0.1)


def test_summary_of_what_is_not_finite():
    made = summarize(series(NAN, 4.0, -INF, 2.0, 3.0, INF))
    assert math.isnan(made.first.value)
    assert made.last == Point(5, INF)
    assert (made.count, made.not_finite) == (6, 3)
    assert made.minimum == Point(3, 2.0)
    assert made.per_step == pytest.approx(-1 / 3)
    nothing = summarize(series(NAN, INF))
    assert (nothing.not_finite, nothing.minimum, nothing.per_step) == (2, None, None)


def test_summary_of_little():
    assert summarize(series()) == Summary("m", 0, 0)
    assert summarize(series(3.0)).per_step is None
    huge = summarize(series(-1.7e308, 1.7e308, 1.7e308))
    assert (huge.not_finite, huge.minimum.step) == (0, 0)


@pytest.mark.parametrize(
    ("values", "width", "curve", "logarithmic"),
    [
        ([], 8, "", False),
        ([1.0], 8, "▄", False),
        ([1.0, 1.0], 8, "▄▄", False),
        ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█", False),
        ([0, 0, 7, 7], 2, "▁█", False),
        ([7.0, NAN, 0.0, -INF], 8, "█×▁×", False),
        ([NAN] * 4, 2, "××", False),
        ([1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0], 8, "▁▂▃▄▅▆▇█", True),
        ([0.0, 1e-6, 1.0], 8, "▁▁█", False),
        ([-1.7e308, 0.0, 1.7e308], 8, "▁▅█", False),
        ([1.7e308, 1.7e308, 0.0, 0.0], 2, "█▁", False),
    ],
)
def test_curve(values, width, curve, logarithmic):
    assert draw_spark(values, width, ascii_only=False) == (curve, logarithmic)
    plain, _ = draw_spark(values, width, ascii_only=True)
    assert plain.isascii()
    assert [c == "!" for c in plain] == [c == "×" for c in curve]


@given(st.lists(st.floats(), max_size=50), st.integers(1, 20))
def test_any_curve(values, width):
    curve, _ = draw_spark(values, width, ascii_only=False)
    assert len(curve) == min(width, len(values))


@given(st.lists(st.floats(), max_size=20))
def test_any_summary(values):
    made = summarize(series(*values))
    finite = [value for value in values if math.isfinite(value)]
    assert (made.minimum.value if made.minimum else None) == min(finite, default=None)
    assert made.not_finite == len(values) - len(finite)


@pytest.mark.parametrize(
    ("files", "labels"),
    [
        (["m.csv"], ["m"]),
        (["a.csv", "runs/b.csv"], ["a", "b"]),
        (["runs/a/metrics.csv", "runs/b/metrics.csv"], ["a", "b"]),
        (["runs/a/out/metrics.csv", "runs/b/out/metrics.csv"], ["a", "b"]),
        (["a/1/m.csv", "a/2/m.csv", "b/1/m.csv"], ["a/1", "a/2", "b/1"]),
        (["m.csv", "a/m.csv"], ["m.csv", "a/m.csv"]),
        (["m.csv", "../here/a/m.csv"], ["m.csv", "a/m.csv"]),
        (["m.csv", "m.txt"], ["m.csv", "m.txt"]),
        (["a/m", "a/m/b/m"], ["m", "m/b/m"]),
        (["/", "/m"], ["root", "m"]),
    ],
)
def test_labels(files, labels, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert label_files([Path(file) for file in files]) == labels


@given(
    st.lists(st.lists(st.sampled_from("ab"), max_size=4).map("/".join), min_size=1, unique=True)
)
def test_any_labels(files):
    labels = label_files([Path("/", file) for file in files])
    assert len(set(labels)) == len(files)
    if len(labels) > 1:
        assert not any(label in ("", ".", "..") or label.startswith("/") for label in labels)
