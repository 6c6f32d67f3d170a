# SPDX-License-Identifier: MIT
"""All that is told of a test becomes one result."""

from __future__ import annotations

import sys
import threading

import pytest

from ftorch_tools.testing.drivers.attempts import Results
from ftorch_tools.testing.records.record import Outcome, TestResult


def told(outcome, id="a"):
    """Return a result with this outcome."""
    return TestResult(id, "pytest", Outcome(outcome))


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        (["passed"], ["passed"]),
        (["failed", "passed"], ["failed", "passed"]),
        (["failed", "crashed", "passed"], ["failed", "crashed", "passed"]),
        (["failed", "passed", "lost"], ["failed", "passed", "lost"]),
        # A failure that is not to be repeated stays the last.
        (["failed!", "passed"], ["passed", "failed"]),
        (["passed", "failed!"], ["passed", "failed"]),
        (["failed!", "passed", "skipped"], ["passed", "skipped", "failed"]),
        (["failed!", "crashed"], ["failed", "crashed"]),
    ],
)
def test_the_last_decides(attempts, expected):
    results = []
    gathered = Results(results)
    counts = dict.fromkeys(Outcome, 0)
    for attempt in attempts:
        ended = gathered.add(told(attempt.rstrip("!")), final=attempt.endswith("!"))
        counts[ended.outcome] += 1
        if ended.before is not None:
            counts[ended.before] -= 1
    (result,) = results
    assert [attempt.outcome.value for attempt in result.attempts] == expected
    # What is shown of a run that goes on counts each test once.
    assert {outcome for outcome, count in counts.items() if count} == {result.outcome}
    assert sum(counts.values()) == 1


def test_many_at_once_lose_none():
    results = []
    gathered = Results(results)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [
            threading.Thread(
                target=lambda n=n: [gathered.add(told("passed", f"{n}-{k}")) for k in range(500)]
            )
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert len(results) == len({result.id for result in results}) == 4000
    assert all(len(result.attempts) == 1 for result in results)
