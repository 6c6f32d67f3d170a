# SPDX-License-Identifier: MIT
"""What a run in progress leaves for other processes: events as JSON lines in its directory.

Each file `events*.jsonl` has one writer; whoever runs tests of the run elsewhere adds its own.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from ftorch_tools.testing.records.events import Event, Started
from ftorch_tools.testing.records.record import Outcome, RunRecord, Status, TestResult

BEAT_SECONDS = 10.0
# A run on another host that says nothing for so long is taken for dead.
SILENCE_SECONDS = 300.0


class EventLog:
    """Appends events to `file`; each is on disk, whole, when `write` returns."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        self._begin = time.monotonic()
        self._last = self._begin
        self._starts: dict[tuple[str, str], list[float]] = {}
        self.problem: OSError | None = None

    def write(self, event: Event) -> None:
        """Append `event`."""
        if isinstance(event, Started):
            passed = round(time.monotonic() - self._begin, 3)
            self._starts.setdefault((event.runner, event.id), []).append(passed)
        self._append(type(event).__name__.lower(), asdict(event))

    def tick(self) -> None:
        """Append a sign of life when one is due."""
        if time.monotonic() - self._last >= BEAT_SECONDS:
            self._append("beat", {})

    def close(self) -> None:
        """Write no more."""
        os.close(self._file)

    def date(self, tests: list[TestResult]) -> None:
        """Give the tests that do not know when they started the time when it was seen."""
        for test in tests:
            starts = self._starts.get((test.runner, test.id))
            if test.start is None and starts:
                test.start = starts.pop(0)

    def _append(self, kind: str, values: dict[str, Any]) -> None:
        self._last = time.monotonic()
        line = json.dumps({"time": round(time.time(), 3), "event": kind, **values})
        try:
            os.write(self._file, f"{line}\n".encode("ascii"))
        except OSError as error:  # a full disk does not end the tests
            self.problem = error


@dataclass
class LiveState:
    """The state of a run as its events tell it; times are Unix times.

    `running` gives for each test that runs when it began.
    """

    planned: Counter[tuple[str, str]] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    running: dict[tuple[str, str], float] = field(default_factory=dict)
    last: float | None = None

    @property
    def done(self) -> int:
        """How many tests ended."""
        return sum(self.outcomes.values())

    @property
    def total(self) -> int:
        """How many tests are known to be wanted; a fixture of ctest is known when it starts."""
        return max(self.done + len(self.running), sum(self.planned.values()))

    def apply(self, writer: str, event: dict[str, Any]) -> None:
        """Take in one line of the file `writer`; unknown events are ignored."""
        kind, at = event.get("event"), float(event["time"])
        self.last = max(at, self.last or at)
        if kind == "planned":
            self.planned[writer, event["runner"]] = int(event["count"])
        elif kind == "started":
            self.running[event["runner"], event["id"]] = at
        elif kind == "ended":
            self.running.pop((event["runner"], event["id"]), None)
            self.outcomes[Outcome(event["outcome"])] += 1
            if event.get("before") is not None:
                self.outcomes[Outcome(event["before"])] -= 1


def read_live(directory: Path) -> LiveState:
    """Return what the events in the run directory tell."""
    live = LiveState()
    for file in sorted(directory.glob("events*.jsonl")):
        for line in _lines(file):
            try:
                live.apply(file.name, json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # a line that another machine is still writing
    return live


def _lines(file: Path) -> Iterator[str]:
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            yield from stream
    except OSError:
        return


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
