# SPDX-License-Identifier: MIT
"""The summary of runs for programs: JSON and CSV."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from math import isfinite
from typing import Any

from ftorch_tools.metrics.reader import Reader
from ftorch_tools.metrics.source import Run
from ftorch_tools.metrics.summary import Point, Summary, summarize
from ftorch_tools.program import print_json

_SCHEMA = "ftorch-metrics/summary/1"
_COLUMNS = (
    *("file", "metric", "count", "not_finite", "first_step", "first", "last_step", "last"),
    *("minimum_step", "minimum", "per_step"),
)


def print_as_json(runs: Sequence[Run]) -> None:
    """Print the runs as JSON of the schema in this package."""
    print_json(_SCHEMA, {"files": [_run(run) for run in runs]})


def print_as_csv(runs: Sequence[Run]) -> None:
    """Print a line for each metric of each run."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for run in runs:
        for summary in map(summarize, run.series):
            points = (summary.first, summary.last, summary.minimum)
            cells = [cell for point in points for cell in _cells(point)]
            counts = (summary.count, summary.not_finite)
            row = [run.source.path, summary.name, *counts, *cells, summary.per_step]
            writer.writerow(row)


def _run(run: Run) -> dict[str, Any]:
    reader = run.source.reader
    return {
        "file": str(run.source.path),
        "label": run.source.label,
        "records": len(run.steps),
        "superseded": reader.superseded,
        "left_out": reader.left_out,
        "errors": [*([run.source.error] if run.source.error else []), *_texts(reader, False)],
        "notes": _texts(reader, True),
        "metrics": [_metric(summarize(series)) for series in run.series],
    }


def _texts(reader: Reader, are_notes: bool) -> list[str]:
    return [problem.text for problem in reader.problems if problem.is_note is are_notes]


def _metric(summary: Summary) -> dict[str, Any]:
    return {
        "name": summary.name,
        "count": summary.count,
        "not_finite": summary.not_finite,
        "first": _point(summary.first),
        "last": _point(summary.last),
        "minimum": _point(summary.minimum),
        "per_step": summary.per_step,
    }


def _point(point: Point | None) -> dict[str, Any] | None:
    if point is None:
        return None
    return {"step": point.step, "value": point.value if isfinite(point.value) else None}


def _cells(point: Point | None) -> tuple[Any, Any]:
    return ("", "") if point is None else (point.step, point.value)
