# SPDX-License-Identifier: MIT
"""Makes one result of all that is told of a test: of several attempts, the last decides."""

from __future__ import annotations

import threading
from dataclasses import replace

from ftorch_tools.testing.records.events import Ended
from ftorch_tools.testing.records.record import TestResult


class Results:
    """Fills `results`, one of each test; several threads may do so at once."""

    def __init__(self, results: list[TestResult]) -> None:
        self._results = results
        self._places: dict[str, int] = {}
        self._failed: set[str] = set()
        self._lock = threading.Lock()

    def add(self, result: TestResult, *, final: bool = False) -> Ended:
        """Take in a result, of a test that has one already as a further attempt.

        What has failed for good (`final`), and not to be repeated, later ones do not undo: a
        process that the test has forked may tell them, or another test of its name.
        """
        with self._lock:
            place = self._places.setdefault(result.id, len(self._results))
            if place == len(self._results):
                self._results.append(result)
                before = None
            else:
                before = self._results[place]
                keep = result.id in self._failed and not result.outcome.is_failure
                last, first = (before, result) if keep else (result, before)
                labels = last.labels or first.labels
                attempts = [*before.earlier, *first.attempts[-1:]] if keep else first.attempts
                self._results[place] = replace(last, labels=labels, earlier=attempts)
            if final:
                self._failed.add(result.id)
            outcome = self._results[place].outcome
        return Ended(result.runner, result.id, outcome, before.outcome if before else None)
