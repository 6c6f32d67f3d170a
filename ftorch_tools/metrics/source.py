# SPDX-License-Identifier: MIT
"""A metrics file that may grow, be cut, be replaced or be missing for a while."""

from __future__ import annotations

import errno
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from stat import S_ISREG

from ftorch_tools.metrics.reader import TIME, MetricsError, Reader
from ftorch_tools.metrics.series import Series
from ftorch_tools.text import one_line

_PIECE = 1 << 20
# The file is missing so far, or its server is away for a while.
_PASSING = (errno.ENOENT, errno.ESTALE, errno.EIO, errno.ETIMEDOUT)
# How much of the beginning and of the end of what was read is compared.
_COMPARED = 1024


@dataclass(frozen=True)
class Run:
    """What is shown of a file: some of its records, and some of their metrics."""

    source: Source
    steps: array[int]
    series: list[Series]

    @property
    def metrics(self) -> list[Series]:
        """The metrics without the time, unless it is the only one."""
        return [one for one in self.series if one.name != TIME] or self.series

    def since(self, step: int) -> Run:
        """Return the records at `step` and after it."""
        steps = self.steps[bisect_left(self.steps, step) :]
        return Run(self.source, steps, [one.since(step) for one in self.series])

    def last(self, count: int | None) -> Run:
        """Return the last `count` records; all without a count."""
        if count is None or len(self.steps) <= count:
            return self
        return self.since(self.steps[-count])

    def records(self) -> Iterator[tuple[int, list[tuple[str, float]]]]:
        """Yield the step of each record, and the names and values that it has."""
        at = [0] * len(self.series)
        for step in self.steps:
            values = []
            for n, series in enumerate(self.series):
                if at[n] < len(series) and series.steps[at[n]] == step:
                    values.append((series.name, series.values[at[n]]))
                    at[n] += 1
            yield step, values


class Source:
    """Reads a file by size and content: on network file systems times and inodes say little."""

    def __init__(self, path: Path, label: str) -> None:
        self.path = path
        self.label = one_line(label)
        self.reader = Reader(one_line(str(path)))
        # Why no more can be read.
        self.error: str | None = None
        self._reported = 0
        self._unreported: list[str] = []
        self._offset = 0
        self._head = self._tail = b""

    def read_on(self) -> bool:
        """Read what is new; return whether something is. Raise `OSError` if that is impossible."""
        with open(self.path, "rb", buffering=0) as stream:
            replaced = self._is_replaced(stream)
            if replaced:
                self._start_anew()
            return self._read_from(stream) or replaced

    def finish(self) -> None:
        """Tell what is missing at the end of a file to which nothing comes."""
        try:
            self.reader.finish()
        except MetricsError as error:
            self.fail(str(error))

    def fail(self, why: str) -> None:
        """Read no more, because of `why`, unless the file is replaced."""
        self.error = why
        self._unreported.append(why)

    def fail_to_read(self, why: str) -> None:
        """The same, for a file that cannot be read at all."""
        self.fail(f"{self.reader.name}: cannot be read: {why}")

    def new_problems(self) -> list[str]:
        """Return the problems that were not returned before."""
        unreported, self._unreported = self._unreported, []
        problems = self.reader.problems[self._reported :]
        self._reported += len(problems)
        return unreported + [
            f"{'note: ' if problem.is_note else ''}{self.reader.name}: {problem.text}"
            for problem in problems
        ]

    def view(self, metrics: list[str]) -> Run:
        """Return the records with those `metrics`, or with all that there are."""
        series = [one for one in self.reader.series if not metrics or one.name in metrics]
        return Run(self, self.reader.steps, series)

    def _is_replaced(self, stream: FileIO) -> bool:
        status = os.fstat(stream.fileno())
        if not S_ISREG(status.st_mode):
            return False
        at = self._offset - len(self._tail)
        return (
            status.st_size < self._offset
            or os.pread(stream.fileno(), len(self._head), 0) != self._head
            or os.pread(stream.fileno(), len(self._tail), at) != self._tail
        )

    def _start_anew(self) -> None:
        self.reader = Reader(self.reader.name)
        self.error = None
        self._reported = 0
        self._unreported.append(f"{self.reader.name}: replaced: read from its beginning")
        self._offset = 0
        self._head = self._tail = b""

    def _read_from(self, stream: FileIO) -> bool:
        if self.error is not None:
            return False
        if self._offset:
            stream.seek(self._offset)
        before = self._offset
        try:
            while piece := stream.read(_PIECE):
                self._offset += len(piece)
                self._head += piece[: _COMPARED - len(self._head)]
                self._tail = (self._tail + piece)[-_COMPARED:]
                self.reader.feed(piece)
        except MetricsError as error:
            self.fail(str(error))
            return True
        return self._offset > before


def try_to_read(source: Source) -> str | None:
    """Read what is new; return why the file cannot be read for the time being, if so."""
    try:
        source.read_on()
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno in _PASSING:
            return why
        if source.error is None:
            source.fail_to_read(why)
    return None
