# SPDX-License-Identifier: MIT
"""Reads a metrics file as it comes; docs/reference/ftorch-metrics.md says what one is."""

from __future__ import annotations

import csv
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from operator import lt
from typing import Any

from ftorch_tools.metrics.numbers import read_number, read_step
from ftorch_tools.metrics.series import Series
from ftorch_tools.text import decode, one_line

STEP = "step"
# Seconds since some moment.
TIME = "time"
_LONGEST_LINE = 1 << 20
_LONGEST_QUOTE = 60
_DIALECT: Any = {"strict": True, "skipinitialspace": True}
# Of a file that is damaged all over, so many lines are told.
_MOST_PROBLEMS = 10


class MetricsError(Exception):
    """A file is no metrics file, or its columns change."""


@dataclass(frozen=True)
class Problem:
    """What is wrong in a file; a note is what a crash explains."""

    text: str
    is_note: bool


class Reader:
    """What the bytes fed so far hold."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.columns: list[str] = []
        self.series: list[Series] = []
        self.steps: array[int] = array("q")
        self.superseded = 0
        self.problems: list[Problem] = []
        self.left_out = 0
        # The step of the first record that is new since this was last set to None.
        self.first_new_step: int | None = None
        self._line = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take in what comes next; raise `MetricsError` when nothing more can be read."""
        head, end, tail = data.rpartition(b"\n")
        if end:
            head, self._rest = self._rest + head, tail
            self._read(decode(head))
        else:
            self._rest += data
        if len(self._rest) > _LONGEST_LINE:
            raise self._error(self._line + 1, f"a line of more than {_LONGEST_LINE} bytes")

    def finish(self) -> None:
        """Tell what is missing at the end; raise `MetricsError` for a file without columns."""
        if self._rest:
            self._note(f"line {self._line + 1} is unfinished, and left out")
        if not self.columns:
            expected = "expected a line of column names, as in step,loss"
            raise MetricsError(f"{self.name}: no metrics file: it has no full line; {expected}")
        if self.left_out > _MOST_PROBLEMS:
            self._note(f"{self.left_out} lines are left out in all")

    @property
    def has_errors(self) -> bool:
        """Whether lines are wrong."""
        return not all(problem.is_note for problem in self.problems)

    def find(self, name: str) -> Series | None:
        """Return the series of that name."""
        return next((series for series in self.series if series.name == name), None)

    def _read(self, text: str) -> None:
        lines = (text if self._line else text.removeprefix("\ufeff")).split("\n")
        first = 0
        while first < len(lines) and not self.columns:
            self._read_line(self._line + first + 1, lines[first])
            first += 1
        self._line += first
        del lines[:first]
        if not self._read_plain(lines):
            for number, line in enumerate(lines, self._line + 1):
                self._read_line(number, line)
        self._line += len(lines)

    def _read_plain(self, lines: list[str]) -> bool:
        """Read lines in which nothing is unusual, column by column; return whether they are so."""
        text = "\n".join(lines)
        if not text.isascii() or "_" in text:  # Python's int and float read more than is allowed
            return False
        try:
            columns = list(zip(*csv.reader(lines, **_DIALECT), strict=True))
            steps = array("q", map(int, columns[0]))
            if len(columns) != len(self.columns) or len(steps) != len(lines):
                return False
            ordered = all(map(lt, steps, steps[1:]))
            if not ordered or (self.steps and steps[0] <= self.steps[-1]):
                return False
            parts = [_values_of(steps, column) for column in columns[1:]]
        except (ValueError, OverflowError, IndexError, csv.Error):
            return False
        if self.first_new_step is None:
            self.first_new_step = steps[0]
        self.steps.extend(steps)
        for series, (at, values) in zip(self.series, parts):
            series.steps.extend(at)
            series.values.extend(values)
        return True

    def _read_line(self, number: int, line: str) -> None:
        if line.lstrip()[:1] in ("", "#"):
            return
        fields = _fields_of(line)
        names = [field.strip() for field in fields]
        if names[:1] == [STEP]:
            self._read_header(number, names)
        elif not self.columns:
            raise self._error(number, f"got {_quoted(line)}; expected column names, {STEP} first")
        elif not fields:
            self._leave_out(number, f"got {_quoted(line)}; expected a record of CSV")
        elif len(fields) != len(self.columns):
            expected = f"expected {len(self.columns)}, as the columns: {_quoted(line)}"
            # A crash cuts a line, and the resumed run ends it.
            cut = len(fields) < len(self.columns)
            self._leave_out(number, f"got {len(fields)} fields; {expected}", is_note=cut)
        else:
            self._read_record(number, fields)

    def _read_header(self, number: int, names: list[str]) -> None:
        if names == self.columns:
            return
        if self.steps:
            got = ",".join(map(one_line, names))
            expected = ",".join(map(one_line, self.columns))
            raise self._error(number, f"the columns change: got {got}; expected {expected}")
        twice = [name for name in names if names.count(name) > 1]
        if "" in names or twice:
            what = f"the name {_quoted(twice[0])} twice" if any(twice) else "a column without name"
            raise self._error(number, f"got {what}; expected a name of its own for each column")
        if len(names) == 1:
            raise self._error(number, f"got {STEP} alone; expected metrics beside it")
        self.columns = names
        self.series = [Series(name) for name in names[1:]]

    def _read_record(self, number: int, fields: list[str]) -> None:
        values: list[float | None] = []
        for field, column in zip(fields, self.columns):
            try:
                if column == STEP:
                    step = read_step(field)
                else:
                    values.append(read_number(field))
            except ValueError as error:
                what = f"{one_line(column)}: got {_quoted(field)}; expected {error}"
                self._leave_out(number, what)
                return
        if self.steps and step <= self.steps[-1]:
            self._drop_from(step)
        if self.first_new_step is None or step < self.first_new_step:
            self.first_new_step = step
        self.steps.append(step)
        for series, value in zip(self.series, values):
            if value is not None:
                series.steps.append(step)
                series.values.append(value)

    def _drop_from(self, step: int) -> None:
        """Drop what a run wrote before it was resumed at an earlier step."""
        first = bisect_left(self.steps, step)
        # The last record may come again with more in it, as after a validation.
        if step < self.steps[-1]:
            self.superseded += len(self.steps) - first
        del self.steps[first:]
        for series in self.series:
            series.drop_from(step)

    def _leave_out(self, number: int, what: str, *, is_note: bool = False) -> None:
        self.left_out += 1
        if self.left_out <= _MOST_PROBLEMS or not (is_note or self.has_errors):
            self.problems.append(Problem(f"line {number} is left out: {what}", is_note))

    def _note(self, text: str) -> None:
        self.problems.append(Problem(text, is_note=True))

    def _error(self, number: int, what: str) -> MetricsError:
        kind = "" if self.columns else "no metrics file: "
        return MetricsError(f"{self.name}: {kind}line {number}: {what}")


def _fields_of(line: str) -> list[str]:
    """Return the fields of a line; none when it is no CSV."""
    if "\0" in line:  # csv of Python 3.10 refuses it, others do not
        return []
    try:
        (fields,) = csv.reader([line.removesuffix("\r")], **_DIALECT)
    except (csv.Error, ValueError):
        return []
    return fields


def _values_of(steps: array[int], column: Sequence[str]) -> tuple[array[int], array[float]]:
    try:
        return steps, array("d", map(float, column))
    except ValueError:  # some are missing, or written as Python does not
        numbers = list(map(read_number, column))
    at = array("q", (step for step, number in zip(steps, numbers) if number is not None))
    return at, array("d", (number for number in numbers if number is not None))


def _quoted(text: str) -> str:
    shown = one_line(text)
    if len(shown) > _LONGEST_QUOTE:
        shown = f"{shown[:_LONGEST_QUOTE]}..."
    return f'"{shown}"'
