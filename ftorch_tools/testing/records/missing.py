# SPDX-License-Identifier: MIT
"""Tests that are asked for by name, and that their runner does not have."""

from __future__ import annotations

from collections.abc import Collection

from ftorch_tools.testing.records.record import Outcome, RunRecord, TestResult
from ftorch_tools.testing.selection import CTEST, reached_by


def record_missing(record: RunRecord, tests: Collection[tuple[str, str]], *, known: bool) -> None:
    """Add `tests`, by runner and name, to `record` as not run, but for those that it has.

    It is `known` what the runners have if the run came to its end.
    """
    have = {
        (test.runner, reached)
        for test in record.tests
        for reached in reached_by(test.runner, test.id)
    }
    for runner, name in sorted(set(tests) - have):
        runner = runner_of_missing(runner, name)
        reason = "no such test" if known else "the run ended before it was found"
        result = TestResult(name, runner, Outcome.NOT_RUN, reason=reason)
        record.tests.append(result)


def warn_of_missing(record: RunRecord, tests: Collection[tuple[str, str]]) -> None:
    """Say of `tests` in a warning that they are there no more."""
    record.warnings += [f"no such test any more: {name}" for _, name in sorted(tests)]


def runner_of_missing(runner: str, name: str) -> str:
    """Return where to record a test that is missing.

    What is in no list of ctest's is taken for a Python test until it looks like none.
    """
    return runner if ".py" in name else CTEST
