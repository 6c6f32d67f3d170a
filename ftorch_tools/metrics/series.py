# SPDX-License-Identifier: MIT
"""The values of a metric over the steps."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field


@dataclass
class Series:
    """The values that are not missing, and their steps, which increase."""

    name: str
    steps: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def __len__(self) -> int:
        return len(self.steps)

    def drop_from(self, step: int) -> None:
        """Drop the values at `step` and after it."""
        first = bisect_left(self.steps, step)
        del self.steps[first:], self.values[first:]

    def at(self, step: int) -> float | None:
        """Return the value at `step`; None when it is missing."""
        n = bisect_left(self.steps, step)
        return self.values[n] if n < len(self.steps) and self.steps[n] == step else None

    def since(self, step: int) -> Series:
        """Return the values at `step` and after it."""
        first = bisect_left(self.steps, step)
        return Series(self.name, self.steps[first:], self.values[first:])
