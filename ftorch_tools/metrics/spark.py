# SPDX-License-Identifier: MIT
"""A curve of one line of characters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, log10

from ftorch_tools.metrics.summary import is_logarithmic

_BLOCKS = "▁▂▃▄▅▆▇█"
_NOT_FINITE = "×"
_ASCII_BLOCKS = "_.,:-=+#"
_ASCII_NOT_FINITE = "!"


def draw_spark(values: Sequence[float], width: int, *, ascii_only: bool) -> tuple[str, bool]:
    """Return a curve of at most `width` characters, and whether its scale is logarithmic.

    A character stands for the mean of its values; one of its own for those with a NaN or Inf.
    """
    blocks, not_finite = _BLOCKS, _NOT_FINITE
    if ascii_only:
        blocks, not_finite = _ASCII_BLOCKS, _ASCII_NOT_FINITE
    means = _means(values, width)
    logarithmic = is_logarithmic(means)
    if logarithmic:
        means = [log10(mean) if isfinite(mean) else mean for mean in means]
    levels = _levels(means, len(blocks))
    text = "".join(not_finite if level is None else blocks[level] for level in levels)
    return text, logarithmic


def _means(values: Sequence[float], width: int) -> list[float]:
    """Return the means of as many parts of `values`."""
    count = min(len(values), width)
    ends = [n * len(values) // count for n in range(count + 1)] if count else []
    return [_mean(values[begin:end]) for begin, end in pairwise(ends)]


def _mean(values: Sequence[float]) -> float:
    total = sum(values)
    if isfinite(total):
        return total / len(values)
    # Finite values may have a sum that is not.
    return sum(value / len(values) for value in values)


def _levels(means: list[float], count: int) -> list[int | None]:
    finite = [mean for mean in means if isfinite(mean)]
    if not finite:
        return [None] * len(means)
    low, high = min(finite), max(finite)
    # Halves, since the difference may be more than the largest number.
    span = high / 2 - low / 2

    def level(mean: float) -> int | None:
        if not isfinite(mean):
            return None
        share = (mean / 2 - low / 2) / span if span > 0.0 else 0.4
        return round(share * (count - 1))

    return [level(mean) for mean in means]
