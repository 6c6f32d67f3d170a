# SPDX-License-Identifier: MIT
"""Shows a run while it goes on: one live line on a terminal, few plain lines elsewhere."""

from __future__ import annotations

import time

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ftorch_tools.testing.records.events import Ended, Event
from ftorch_tools.testing.records.progress import Progress
from ftorch_tools.testing.records.record import Outcome

# How often a log, which nobody sees move, gets a line of progress.
_PLAIN_SECONDS = 30.0
_RUNNING_SHOWN = 4


class Display:
    """Draws a `Progress` on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress()
        self._start = time.monotonic()
        # Seconds until the end, as far as they are known.
        self.left: float | None = None
        self._next_plain = self._start + _PLAIN_SECONDS
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._moves = console.is_terminal and not console.is_dumb_terminal

    def __enter__(self) -> Display:
        if self._moves:
            self._live.start()
        return self

    def __exit__(self, *unused: object) -> None:
        if self._moves:
            self._live.stop()

    def apply(self, event: Event) -> None:
        """Take in one event and show what is new at once: a failure."""
        self._progress.apply(event, time.monotonic())
        if isinstance(event, Ended) and event.outcome.is_failure:
            words = f"{event.outcome.phrase:>8} "
            self.say(Text.assemble((words, "bold red"), f"{event.runner} {event.id}"))

    def tick(self) -> None:
        """Give a log its line of progress when one is due."""
        now = time.monotonic()
        if not self._moves and now >= self._next_plain:
            self._next_plain = now + _PLAIN_SECONDS
            self.say(Text.assemble(_counts(self._progress), f"  {self._times()}"))

    def elapsed(self) -> dict[tuple[str, str], float]:
        """Return for how many seconds the running tests have run."""
        now = time.monotonic()
        return {test: now - start for test, start in self._progress.running.items()}

    def _times(self) -> str:
        passed = _duration(time.monotonic() - self._start)
        return passed if self.left is None else f"{passed}, about {_duration(self.left)} left"

    def say(self, text: Text) -> None:
        """Print a line above the live one."""
        self._console.print(text, soft_wrap=True)

    def _draw(self) -> Group:
        progress = self._progress
        now = time.monotonic()
        head = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=max(1, progress.total), completed=progress.done, width=12)
        head.add_row(bar, _counts(progress), Text(self._times(), no_wrap=True))
        oldest = list(progress.running.items())
        lines = [
            Text(f"  {now - start:5.0f} s  {id}", style="dim", no_wrap=True, overflow="ellipsis")
            for (_, id), start in oldest[:_RUNNING_SHOWN]
        ]
        if len(oldest) > _RUNNING_SHOWN:
            lines.append(Text(f"  and {len(oldest) - _RUNNING_SHOWN} more", style="dim"))
        return Group(head, *lines)


def _counts(progress: Progress) -> Text:
    """Return the counts in words and colours."""
    failed, skipped = progress.failed, progress.outcomes[Outcome.SKIPPED]
    text = Text(f"{progress.done}/{progress.total} tests", no_wrap=True)
    text.append(f"  {progress.outcomes[Outcome.PASSED]} passed", style="green")
    text.append(f"  {failed} failed", style="bold red" if failed else "dim")
    if skipped:
        text.append(f"  {skipped} skipped", style="dim")
    return text


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
