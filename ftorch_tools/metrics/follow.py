# SPDX-License-Identifier: MIT
"""Follows files that a running job writes."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable, Sequence

from ftorch_tools.metrics.displays import Display
from ftorch_tools.metrics.events import EventFile
from ftorch_tools.metrics.source import Run, Source, try_to_read


def follow(
    sources: Sequence[Source],
    view: Callable[[Source], Run],
    display: Display,
    events: Sequence[EventFile],
    seconds: float,
) -> bool:
    """Show what comes until Ctrl-C, or nobody reads it; return whether a file can be read."""
    try:
        with display:
            while True:
                waiting = [source for source in sources if try_to_read(source)]
                for source in sources:
                    for problem in source.new_problems():
                        display.warn(problem)
                runs = [view(source) for source in sources]
                display.update(runs, waiting)
                for run, file in zip(runs, events):
                    if run.source.reader.first_new_step is not None:
                        file.write(run.since(run.source.reader.first_new_step))
                for source in sources:
                    source.reader.first_new_step = None
                if all(source.error for source in sources):
                    return False
                if not _wait(seconds):
                    return True
    except KeyboardInterrupt:
        return True


def _wait(seconds: float) -> bool:
    """Wait; return whether somebody reads standard output still."""
    if getattr(sys.stdout, "gave_up", False):
        return False
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
    except (AttributeError, OSError, ValueError):  # it is closed, or no file
        time.sleep(seconds)
        return True
    return not poll.poll(1000 * seconds)
