# SPDX-License-Identifier: MIT
"""What the values of a metric come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from ftorch_tools.metrics.series import Series

# Values that span so much are drawn on a logarithmic scale.
_LOG_RATIO = 100.0


@dataclass(frozen=True)
class Point:
    """A value and its step."""

    step: int
    value: float


@dataclass(frozen=True)
class Summary:
    """`minimum` and `per_step`, the mean change in a step, are those of the finite values."""

    name: str
    count: int
    not_finite: int
    first: Point | None = None
    last: Point | None = None
    minimum: Point | None = None
    per_step: float | None = None


def summarize(series: Series) -> Summary:
    """Return what the values of `series` come to."""
    steps, values = series.steps, series.values
    if not values:
        return Summary(series.name, 0, 0)
    first, last = Point(steps[0], values[0]), Point(steps[-1], values[-1])
    if isfinite(sum(values)):
        finite: Sequence[int] = range(len(values))
        low = values.index(min(values))
    else:
        where = [n for n, value in enumerate(values) if isfinite(value)]
        if not where:
            return Summary(series.name, len(values), len(values), first, last)
        finite = where
        low = min(where, key=values.__getitem__)
    begin, end = finite[0], finite[-1]
    per_step = None
    if end > begin:
        per_step = (values[end] - values[begin]) / (steps[end] - steps[begin])
    return Summary(
        series.name,
        len(values),
        len(values) - len(finite),
        first,
        last,
        Point(steps[low], values[low]),
        per_step if per_step is not None and isfinite(per_step) else None,
    )


def is_logarithmic(values: Iterable[float]) -> bool:
    """Return whether `values`, as far as they are finite, are positive and span decades."""
    finite = [value for value in values if isfinite(value)]
    return bool(finite) and min(finite) > 0.0 and max(finite) / min(finite) >= _LOG_RATIO
