# SPDX-License-Identifier: MIT
"""What the records of a project tell of one test over time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ftorch_tools.errors import UsageError
from ftorch_tools.testing.records.record import Outcome, RunRecord, TestResult

# The runner, the name, and which of the tests of that name: ctest allows several.
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Entry:
    """How a test ended in one run."""

    run: str
    start: str
    commit: str | None
    dirty: bool | None
    host: str
    runner: str
    outcome: Outcome
    attempts: int
    seconds: float | None
    measurements: dict[str, float | None]


def repeated(records: Iterable[RunRecord]) -> set[tuple[str, str]]:
    """Return runner and name of the tests of which one of `records` has several."""
    found: set[tuple[str, str]] = set()
    for record in records:
        counts = Counter((test.runner, test.id) for test in record.tests)
        found.update(name for name, count in counts.items() if count > 1)
    return found


def tests_by_key(
    record: RunRecord, repeated: Collection[tuple[str, str]]
) -> dict[Key, TestResult]:
    """Return the tests of a run, each under a key that names it in other runs too.

    Of those `repeated`, the place tells which one it is, and without one their order.
    """
    found: dict[Key, TestResult] = {}
    for test in record.tests:
        place = test.place or "" if (test.runner, test.id) in repeated else ""
        key, number = (test.runner, test.id, place), 1
        while key in found:
            number += 1
            key = (test.runner, test.id, f"{place}#{number}")
        found[key] = test
    return found


def durations(
    records: Iterable[RunRecord], repeated: Collection[tuple[str, str]]
) -> dict[Key, list[float]]:
    """Return the wall times in seconds of each test, where it passed."""
    times: dict[Key, list[float]] = defaultdict(list)
    for record in records:
        for key, test in tests_by_key(record, repeated).items():
            if test.outcome is Outcome.PASSED and test.seconds is not None:
                times[key].append(test.seconds)
    return times


def history(records: Iterable[RunRecord], test_id: str) -> list[Entry]:
    """Return an entry for each time that the test `test_id` was part of a run."""
    return [
        Entry(
            run=record.id,
            start=record.start,
            commit=record.commit,
            dirty=record.dirty,
            host=test.host or record.host,
            runner=test.runner,
            outcome=test.outcome,
            attempts=len(test.attempts),
            seconds=test.seconds,
            measurements=test.measurements,
        )
        for record in records
        for test in record.tests
        if test.id == test_id
    ]


def find_id(text: str, ids: Collection[str]) -> str:
    """Return the test that `text` names: its id, or a part of no other id."""
    if text in ids:
        return text
    found = sorted({id for id in ids if text in id})
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"no test {text!r}")
    shown = "\n  ".join(found[:10])
    more = f"\n  and {len(found) - 10} more" if len(found) > 10 else ""
    raise UsageError(f"{text!r} is a part of several names:\n  {shown}{more}")
