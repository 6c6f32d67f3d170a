# SPDX-License-Identifier: MIT
"""Does what the command line asks for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ftorch_tools.errors import InfrastructureError, UsageError
from ftorch_tools.metrics.labels import label_files
from ftorch_tools.metrics.source import Run, Source, try_to_read
from ftorch_tools.safe_stream import make_console
from ftorch_tools.text import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from ftorch_tools.metrics.events import EventFile
    from ftorch_tools.metrics.table import Style

# How wide a table is that goes to a file or another program.
_PLAIN_WIDTH = 160


@dataclass(frozen=True)
class Request:
    """Which files, metrics and records, and what is made of them beside a table."""

    files: list[Path]
    metrics: list[str]
    last: int | None
    plot: Path | None
    tensorboard: Path | None
    ascii_only: bool

    def check(self) -> None:
        """Raise `UsageError` when something cannot be made here."""
        if self.plot is not None:
            from ftorch_tools.metrics.plot import check_plot

            check_plot(self.plot)
        if self.tensorboard is not None:
            from ftorch_tools.metrics.events import check_tensorboard

            check_tensorboard()

    @cached_property
    def sources(self) -> list[Source]:
        """The files, each once."""
        files = list({os.path.abspath(file): file for file in self.files}.values())
        return [Source(file, label) for file, label in zip(files, label_files(files))]

    def show(self, form: str) -> bool:
        """Show what is in the files; return whether all is well in all of them."""
        for source in self.sources:
            if why := try_to_read(source):
                source.fail_to_read(why)
            elif source.error is None:
                source.finish()
            for problem in source.new_problems():
                print(f"ftorch-metrics: {problem}", file=sys.stderr)
        self._check_metrics()
        runs = [self._view(source).last(self.last) for source in self.sources]
        self._print(runs, form)
        runs = [run for run in runs if run.source.reader.columns]
        if self.plot is not None and runs:
            from ftorch_tools.metrics.plot import draw_plot

            draw_plot(runs, self.plot)
        for run, file in zip(runs, self._event_files([run.source for run in runs])):
            file.write(run)
            file.close()
        return not any(source.error or source.reader.has_errors for source in self.sources)

    def follow(self, seconds: float) -> bool:
        """Show what comes until Ctrl-C; return whether a file could be read."""
        from ftorch_tools.metrics.displays import Display, Lines, LiveTable
        from ftorch_tools.metrics.follow import follow

        display: Display = Lines(self.last)
        if _is_on_terminal() and os.environ.get("TERM") != "dumb":
            console = make_console()
            display = LiveTable(console, lambda: self._style(console), self.last)
        files = self._event_files(self.sources)
        return follow(self.sources, self._view, display, files, seconds)

    def _view(self, source: Source) -> Run:
        if all(source.reader.columns for source in self.sources):
            self._check_metrics()
        return source.view(self.metrics)

    def _check_metrics(self) -> None:
        names = {series.name: None for source in self.sources for series in source.reader.series}
        for metric in self.metrics:
            if names and metric not in names:
                known = ", ".join(map(one_line, names))
                raise UsageError(f'--metric: no file has "{one_line(metric)}"; there are {known}')

    def _print(self, runs: Sequence[Run], form: str) -> None:
        if form != "table":
            from ftorch_tools.metrics import report

            {"json": report.print_as_json, "csv": report.print_as_csv}[form](runs)
            return
        runs = [run for run in runs if run.source.reader.columns]
        if runs:
            from ftorch_tools.metrics.table import draw_table

            console = make_console()
            if not _is_on_terminal() and "COLUMNS" not in os.environ:
                console.width = _PLAIN_WIDTH
            console.print(draw_table(runs, self._style(console)))

    def _style(self, console: Console) -> Style:
        from ftorch_tools.metrics.table import Style

        ascii_only = self.ascii_only or not console.encoding.startswith("utf")
        return Style(console.width, ascii_only)

    def _event_files(self, sources: Sequence[Source]) -> list[EventFile]:
        if self.tensorboard is None:
            return []
        from ftorch_tools.metrics.events import EventFile

        try:
            return [EventFile(self.tensorboard / source.label) for source in sources]
        except OSError as error:
            message = f"cannot write to {self.tensorboard}: {error.strerror or error}"
            raise InfrastructureError(message) from error


def _is_on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()
