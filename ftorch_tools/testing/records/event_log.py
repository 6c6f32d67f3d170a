# SPDX-License-Identifier: MIT
"""What a run in progress writes to the journal in its directory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ftorch_tools.testing.records.events import Event, Started, to_entry
from ftorch_tools.testing.records.journal import Journal
from ftorch_tools.testing.records.record import TestResult

BEAT_SECONDS = 10.0


class EventLog:
    """Appends events to `file`; each is on disk, whole, when `write` returns."""

    def __init__(self, file: Path) -> None:
        self._journal = Journal(file)
        self._begin = time.monotonic()
        self._last = self._begin
        self._starts: dict[tuple[str, str], list[float]] = {}
        self.problem: OSError | None = None

    def write(self, event: Event) -> None:
        """Append `event`."""
        if isinstance(event, Started):
            passed = round(time.monotonic() - self._begin, 3)
            self._starts.setdefault((event.runner, event.id), []).append(passed)
        self._append(to_entry(event))

    def tick(self) -> None:
        """Append a sign of life when one is due."""
        if time.monotonic() - self._last >= BEAT_SECONDS:
            self._append({"event": "beat"})

    def date(self, tests: list[TestResult]) -> None:
        """Give the tests that do not know when they started the time when it was seen."""
        for test in tests:
            starts = self._starts.get((test.runner, test.id))
            if test.start is None and starts:
                test.start = starts.pop(0)

    def _append(self, entry: dict[str, Any]) -> None:
        self._last = time.monotonic()
        try:
            self._journal.append(**entry)
        except OSError as error:  # a full disk does not end the tests
            self.problem = error
