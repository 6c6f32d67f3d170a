# SPDX-License-Identifier: MIT
"""What is shown while files are followed: a table on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console, Group
from rich.text import Text

from ftorch_tools.metrics.source import Run, Source
from ftorch_tools.metrics.table import Style, draw_table, show
from ftorch_tools.text import one_line

_DIGITS = 15
# To draw the table of a long run again and again takes a tenth of a core at most.
_IDLE_RATIO = 9.0


class Display:
    """Shows what is read; entered while files are followed."""

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End."""

    def update(self, runs: Sequence[Run], waiting: Sequence[Source]) -> None:
        """Show `runs`; the files `waiting` are missing."""
        raise NotImplementedError

    def warn(self, problem: str) -> None:
        """Tell of a problem."""
        print(f"ftorch-metrics: {problem}", file=sys.stderr)


class Lines(Display):
    """Prints a line for each new record, of those that are there at first the `last` ones."""

    def __init__(self, last: int | None) -> None:
        self._last = last
        self._shown_sources: set[Source] = set()
        self._missing: set[Source] = set()

    def update(self, runs: Sequence[Run], waiting: Sequence[Source]) -> None:
        """Print the new records of `runs`."""
        for source in waiting:
            if source not in self._missing:
                self.warn(f"waiting for {source.reader.name}")
        self._missing = set(waiting)
        for run in runs:
            first = run.source.reader.first_new_step
            if first is None:
                continue
            new = run.since(first)
            if run.source not in self._shown_sources:
                new = new.last(self._last)
            self._shown_sources.add(run.source)
            self._print(new, f"{run.source.label}: " if len(runs) > 1 else "")
        if sys.stdout is not None:
            sys.stdout.flush()

    def _print(self, run: Run, head: str) -> None:
        for step, values in run.records():
            words = [f"{one_line(name)}={show(value, _DIGITS)}" for name, value in values]
            print(" ".join([f"{head}step={step}", *words]))


class LiveTable(Display):
    """Keeps a table of the `last` records up to date."""

    def __init__(self, console: Console, style: Callable[[], Style], last: int | None) -> None:
        from rich.live import Live  # slow to import

        self._console = console
        self._style = style
        self._last = last
        self._shown: object = None
        self._is_stale = False
        self._not_before = 0.0
        self._live = Live(
            console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )

    def __enter__(self) -> LiveTable:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the table as it is."""
        self._live.stop()

    def update(self, runs: Sequence[Run], waiting: Sequence[Source]) -> None:
        """Draw the table again if something is new, or the terminal has another size."""
        style = self._style()
        names = [source.reader.name for source in waiting]
        # A file that is replaced gets another reader.
        shown = (style, names, [run.source.reader for run in runs])
        is_new = any(run.source.reader.first_new_step is not None for run in runs)
        self._is_stale = self._is_stale or is_new or shown != self._shown
        begin = time.monotonic()
        if not self._is_stale or begin < self._not_before:
            return
        waits = [Text(f"waiting for {name}", style="yellow") for name in names]
        table = draw_table([run.last(self._last) for run in runs], style)
        self._live.update(Group(table, *waits), refresh=True)
        self._shown = shown
        self._is_stale = False
        end = time.monotonic()
        self._not_before = end + _IDLE_RATIO * (end - begin)

    def warn(self, problem: str) -> None:
        """Tell of a problem above the table."""
        self._console.print(Text(f"ftorch-metrics: {problem}", style="yellow"))
