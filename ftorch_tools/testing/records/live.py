# SPDX-License-Identifier: MIT
"""What a run in progress leaves for other processes: events, in the journals in its directory.

Each file `events*.jsonl` has one writer; whoever runs tests of the run elsewhere adds its own.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from ftorch_tools.testing.records.events import from_entry
from ftorch_tools.testing.records.journal import Journal
from ftorch_tools.testing.records.progress import Progress
from ftorch_tools.testing.records.record import RunRecord, Status

# A run on another host that says nothing for so long is taken for dead.
SILENCE_SECONDS = 300.0


@dataclass
class LiveState(Progress):
    """The state of a run as its journals tell it; `last` is the last sign of life, a Unix time."""

    last: float | None = None


def read_live(directory: Path) -> LiveState:
    """Return what the events in the run directory tell."""
    live = LiveState()
    for file in sorted(directory.glob("events*.jsonl")):
        for entry in Journal(file).news():
            try:
                at, event = float(entry["time"]), from_entry(entry)
            except (ValueError, KeyError, TypeError):
                continue  # a line that another machine is still writing
            live.last = max(at, live.last or at)
            if event is not None:
                live.apply(event, at, file.name)
    return live


def in_progress(record: RunRecord) -> bool:
    """Return whether the run still goes on, as far as can be told from here."""
    if record.status is not Status.RUNNING:
        return False
    if record.job is not None:
        return True  # until `schedulers.detached.refresh_detached` finds its end
    if record.host == socket.gethostname():
        return _is_process_of(record)
    last = (
        read_live(Path(record.directory)).last or datetime.fromisoformat(record.start).timestamp()
    )
    return time.time() - last < SILENCE_SECONDS


def _is_process_of(record: RunRecord) -> bool:
    try:
        began = psutil.Process(record.pid).create_time()
    except (psutil.Error, ValueError):
        return False
    # The number of a process that is gone passes to others.
    return began <= _start(record) + 1.0


def _start(record: RunRecord) -> float:
    return datetime.fromisoformat(record.start).timestamp()
