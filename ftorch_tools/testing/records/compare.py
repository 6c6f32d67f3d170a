# SPDX-License-Identifier: MIT
"""Compares two runs test by test."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from ftorch_tools.errors import UsageError
from ftorch_tools.testing.records.history import Key, durations, repeated, tests_by_key
from ftorch_tools.testing.records.record import Outcome, RunRecord, Status, TestResult
from ftorch_tools.testing.selection import Choice, Selection

# Durations that differ by less than the largest of these are taken for the same.
SHARE = 0.05
DEVIATIONS = 3.0
# A process takes longer or shorter to start by about that much, whatever it does.
RESOLUTION_SECONDS = 0.1
# So many durations tell how much they scatter; fewer make no regression.
FEWEST = 3
# A duration that one of the last so many runs had is nothing new.
RUNS = 5


@dataclass(frozen=True)
class Change:
    """One test in both runs; None where a run does not have it.

    `noise` is the difference of its durations, in seconds, up to which they count as equal, from
    so many other `durations`.
    """

    id: str
    runner: str
    before: Outcome | None
    after: Outcome | None
    seconds_before: float | None = None
    seconds_after: float | None = None
    noise: float | None = None
    durations: int = 0


@dataclass
class Comparison:
    """What differs between two runs; `missing` and `new` have a result in one of them alone.

    What one of the runs was not to run is `not_selected`.
    """

    newly_failing: list[Change] = field(default_factory=list)
    still_failing: list[Change] = field(default_factory=list)
    newly_passing: list[Change] = field(default_factory=list)
    newly_skipped: list[Change] = field(default_factory=list)
    slower: list[Change] = field(default_factory=list)
    faster: list[Change] = field(default_factory=list)
    missing: list[Change] = field(default_factory=list)
    not_selected: list[Change] = field(default_factory=list)
    new: list[Change] = field(default_factory=list)

    @property
    def regression(self) -> bool:
        """True when a test fails that did not, or when one became slower.

        Of one whose durations are too few to tell how much they scatter, it is not known.
        """
        fails = any(change.after and change.after.is_failure for change in self.new)
        slower = any(change.durations >= FEWEST for change in self.slower)
        return bool(self.newly_failing or slower or fails)

    def to_dict(self) -> dict[str, Any]:
        """Return the lists of changes by their names."""
        return asdict(self)


def compare(a: RunRecord, b: RunRecord, earlier: Iterable[RunRecord]) -> Comparison:
    """Return what changed from `a` to `b`.

    `earlier` are the runs, oldest first, that tell how much the durations scatter; `b` does not
    count.
    """
    others = [record for record in earlier if record.id != b.id]
    several = repeated([a, b, *others])
    times = durations(others, several)
    before, after = tests_by_key(a, several), tests_by_key(b, several)
    result = Comparison()
    for key in dict.fromkeys([*before, *after]):
        first, second, known = before.get(key), after.get(key), times.get(key, [])
        change = _change(key, first, second, known)
        if first is None or second is None:
            has, lacks = (first, b) if first is not None else (second, a)
            assert has is not None
            if _left_out(lacks, has):
                result.not_selected.append(change)
                continue
        if not _has_result(b, second):
            result.missing.append(change)
        elif not _has_result(a, first):
            result.new.append(change)
        else:
            _sort_in(result, change, known)
    return result


def _left_out(run: RunRecord, test: TestResult) -> bool:
    """Return whether `run` did not have `test` because it was not to run it."""
    try:
        selection = Selection.from_record(run.selection)
        choice = selection.choose(test.runner, test.id, test.labels)
    except (UsageError, TypeError, IndexError):
        return False
    return choice is not Choice.SELECTED


def noise(seconds: float, times: list[float]) -> float:
    """Return by how many seconds a test that took `seconds` may differ without a cause.

    `times` are durations of the same test in other runs.
    """
    deviation = 0.0
    if times:
        middle = statistics.median(times)
        deviation = statistics.median(abs(time - middle) for time in times)
    return max(DEVIATIONS * deviation, _least_noise(seconds))


def _least_noise(seconds: float) -> float:
    return max(SHARE * seconds, RESOLUTION_SECONDS)


def _has_result(run: RunRecord, test: TestResult | None) -> bool:
    """Say whether `test` tells of the code, not of a node that died or a run that was ended."""
    if test is None or test.outcome is Outcome.LOST:
        return False
    return test.outcome is not Outcome.NOT_RUN or run.status is not Status.INTERRUPTED


def _change(
    key: Key, before: TestResult | None, after: TestResult | None, times: list[float]
) -> Change:
    runner, id, _ = key
    outcomes = [test.outcome if test else None for test in (before, after)]
    first, second = (test.seconds if test else None for test in (before, after))
    limit = None
    if outcomes == [Outcome.PASSED] * 2 and first is not None and second is not None:
        limit = noise(first, times)
    return Change(id, runner, outcomes[0], outcomes[1], first, second, limit, len(times))


def _sort_in(result: Comparison, change: Change, known: list[float]) -> None:
    before, after = change.before, change.after
    assert before is not None
    assert after is not None
    if after.is_failure:
        (result.still_failing if before.is_failure else result.newly_failing).append(change)
    elif before is not after:
        passes = after is Outcome.PASSED
        (result.newly_passing if passes else result.newly_skipped).append(change)
    elif change.noise is not None:
        recent = known[-RUNS:]
        first, second = change.seconds_before, change.seconds_after
        assert first is not None
        assert second is not None
        least, most = min([first, *recent]), max([first, *recent])
        if second > max(first + change.noise, most + _least_noise(most)):
            result.slower.append(change)
        elif second < min(first - change.noise, least - _least_noise(least)):
            result.faster.append(change)
